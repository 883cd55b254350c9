"""bvae explore: the page in a real browser, from the disk, beside torch."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import CHROMIUM, Browser, Page, browser
from conftest import scaled_model
from PIL import Image
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.explorer.page import write_page
from bvae_cli.figures.base_images import load_file
from bvae_cli.latents import Latent
from bvae_cli.models.nets import NETS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

CLOSE = 1e-3


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


@pytest.fixture
def chromium(running: Browser) -> Iterator[Browser]:
    """A browser without pages."""
    yield running
    running.close_pages()


@pytest.fixture(scope="module")
def model() -> Checkpoint:
    """One of ten latents that uses six, two of them named, with sixteen examples."""
    kls, names = {3: 3.0, 7: 2.0, 0: 1.0, 1: 1.0, 2: 1.0, 4: 1.0}, {3: "posX", 7: "scale"}
    latents = [
        Latent(index, kls.get(index, 0.0), 0.1, -2.0, 4.0, names.get(index), 0.0, 0.0, 0.5) for index in range(10)
    ]
    return replace(scaled_model("burgess", 1, 2.0, 10), latents=latents, examples=noise(1, (16, 1, 64, 64)))


@pytest.fixture(scope="module")
def file(model: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(model, tmp_path_factory.mktemp("page") / "explorer.html")


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """The page, which after each test has nothing in its console and has asked for nothing."""
    opened = Page(chromium, file)
    yield opened
    assert opened.console_messages() == []
    assert opened.requests() == []


def noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def numbers(page: Page, expression: str) -> Tensor:
    """An array of the page."""
    return torch.tensor(page.run(f"Array.from({expression})"), dtype=torch.float32)


def decoded(model: Checkpoint, code: Tensor) -> Tensor:
    """(row, column, channel) numbers that torch makes of a code."""
    with torch.inference_mode():
        return model.vae.decode(code[None])[0].movedim(0, -1).reshape(-1)


def encoded(model: Checkpoint, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return model.vae.encode(images)[0][0]


def on_canvas(page: Page, selector: str) -> Tensor:
    """(4096,): the reds that are seen, 0 to 255."""
    copy = "new OffscreenCanvas(64, 64).getContext('2d', {willReadFrequently: true})"
    data = f"(() => {{ const pen = {copy}; pen.drawImage(document.querySelector('{selector}'), 0, 0);"
    return numbers(page, data + "return pen.getImageData(0, 0, 64, 64).data.filter((_, place) => place % 4 === 0) })()")


def require_drawn(page: Page, model: Checkpoint) -> None:
    """What is shown is what torch makes of the numbers on the sliders."""
    page.settle()
    expected = decoded(model, numbers(page, "explorer.codes"))
    assert (numbers(page, "explorer.image") - expected).abs().max() <= CLOSE
    assert (on_canvas(page, "#picture") / 255 - expected).abs().max() <= 0.5 / 255 + CLOSE


def told_of_slider(page: Page, index: int) -> dict[str, Any]:
    """What a screen reader is told of a slider."""
    tree = page.send("Accessibility.queryAXTree", **node(page, f"#z{index}"))["nodes"]
    (found,) = [entry for entry in tree if entry.get("role", {}).get("value") == "slider"]
    properties = {entry["name"]: entry["value"].get("value") for entry in found["properties"]}
    text = page.run(f"document.querySelector('#z{index}').getAttribute('aria-valuetext')")
    return {"name": found["name"]["value"], "value": found["value"]["value"], **properties, "valuetext": text}


def node(page: Page, selector: str) -> dict[str, Any]:
    root = page.send("DOM.getDocument")["root"]["nodeId"]
    return {"nodeId": page.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]}


@pytest.mark.parametrize(
    ("net", "channels", "latents"),
    [*((net, 1, 5) for net in NETS), ("burgess", 3, 5), ("locatello", 3, 100), ("burgess", 1, 1)],
)
def test_every_net_computes_what_torch_does(chromium: Browser, net: str, channels: int, latents: int) -> None:
    model = scaled_model(net, channels, 3.0, latents)
    page = Page(chromium, write_page(model, Path("explorer.html")))
    image, code = noise(0, (1, channels, 64, 64)) / 255, torch.linspace(-2, 2, latents)
    codes = numbers(page, f"explorer.encode(Float32Array.from({image[0].movedim(0, -1).flatten().tolist()}))")
    picture = numbers(page, f"explorer.decode(Float32Array.from({code.tolist()}))")
    for found, expected in ((codes, encoded(model, image)), (picture, decoded(model, code))):
        assert found.shape == expected.shape
        assert expected.square().mean() > 1e-3
        assert (found - expected).abs().max() <= CLOSE / 10
    assert (page.console_messages(), page.requests()) == ([], [])


def test_it_begins_with_the_first_example(page: Page, model: Checkpoint) -> None:
    page.wait_for("!document.querySelector('#given').hidden")
    require_drawn(page, model)
    assert (numbers(page, "explorer.codes") - encoded(model, model.examples[:1] / 255)).abs().max() <= CLOSE


def test_an_example_is_encoded(page: Page, model: Checkpoint) -> None:
    page.click(".examples button:nth-child(5)")
    require_drawn(page, model)
    assert (numbers(page, "explorer.codes") - encoded(model, model.examples[4:5] / 255)).abs().max() <= CLOSE


def test_a_slider_moves_its_latent_alone_and_the_picture_follows(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.drag("#z7", (0.5, 0.5), (0.6, 0.5), (0.99, 0.5))
    require_drawn(page, model)
    codes = numbers(page, "explorer.codes")
    assert codes[7] == 3
    assert codes.abs().sum() == 3
    assert "3.00" in page.run("document.querySelector('[data-index=\"7\"]').innerText")


def test_keys_move_a_slider_and_what_is_said_is_its_name_and_value(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.press("#z3", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft")
    require_drawn(page, model)
    told = told_of_slider(page, 3)
    assert told["name"] == "z3 posX 3.00 nats"
    assert told["valuetext"] == "posX, 0.10"
    assert (told["valuemin"], told["valuemax"], told["value"]) == (-3, 3, pytest.approx(0.1))
    page.press("#z3", "Home")
    assert told_of_slider(page, 3)["valuetext"] == "posX, −3.00"
    assert told_of_slider(page, 0)["valuetext"] == "z0, 0.00"


def test_every_control_has_a_name_and_can_be_reached(page: Page) -> None:
    controls = "button, input, select, summary, [tabindex]"
    count = page.run(f"[...document.querySelectorAll('{controls}')].filter((one) => one.checkVisibility()).length")
    reached = set()
    for _ in range(count + 1):
        page.press(":focus, body", "Tab")
        reached.add(page.run(f"[...document.querySelectorAll('{controls}')].indexOf(document.activeElement)"))
    assert len(reached - {-1}) == count - 1  # of two radio buttons the keys reach one, and it the other
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "slider", "combobox", "radio", "image", "img"}
    named = [entry["name"]["value"] for entry in tree if entry.get("role", {}).get("value") in roles]
    assert len(named) > 40
    assert all(named)


def test_a_drag_on_the_pad_moves_two_latents(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.drag("#pad", (0.5, 0.5), (0.6, 0.5), (0.75, 0.25))
    require_drawn(page, model)
    codes = numbers(page, "explorer.codes")
    assert codes[[3, 7]].tolist() == pytest.approx([1.5, 1.5], abs=0.03)
    assert codes.abs().sum() == codes[[3, 7]].sum()


def test_a_finger_on_a_phone_moves_slider_and_pad(chromium: Browser, file: Path, model: Checkpoint) -> None:
    page = Page(chromium, file, 390, 844)
    page.click("#mean")
    page.touch("#z3", (0.5, 0.5), (0.8, 0.5), (0.99, 0.5))
    assert numbers(page, "explorer.codes")[3] == 3
    page.touch("#pad", (0.5, 0.5), (0.3, 0.6), (0.25, 0.75))
    assert numbers(page, "explorer.codes")[[3, 7]].tolist() == pytest.approx([-1.5, -1.5], abs=0.03)
    require_drawn(page, model)
    assert page.run("document.querySelector('#picture').getBoundingClientRect().top") >= 0  # it stays in sight


def test_the_ends_of_a_slider_show_what_would_be_there(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    for place, value in ((0, -3.0), (1, 3.0)):
        code = torch.zeros(10)
        code[7] = value
        end = f"document.querySelectorAll('[data-index=\"7\"] .end')[{place}]"
        page.run(f"{end}.id = 'end{place}'")
        expected, until = 255 * decoded(model, code), time.monotonic() + 10
        while (on_canvas(page, f"#end{place}") - expected).abs().max() > 0.5 + 255 * CLOSE:
            assert time.monotonic() < until


def test_keys_move_the_pad_and_it_says_both(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.press("#pad", "ArrowRight", "ArrowRight", "ArrowDown", "PageUp")
    require_drawn(page, model)
    assert numbers(page, "explorer.codes")[[3, 7]].tolist() == pytest.approx([0.1, 0.55])
    said = page.run("document.querySelector('#pad').getAttribute('aria-valuetext')")
    assert said == "posX, 0.10; scale, 0.55"


def test_the_axes_of_the_pad_are_chosen_and_never_the_same(page: Page) -> None:
    page.click("#mean")
    page.run("document.querySelector('#across').value = '7'")
    page.run("document.querySelector('#across').dispatchEvent(new Event('change'))")
    assert page.run("document.querySelector('#up').value") == "3"
    page.press("#pad", "ArrowRight")
    assert numbers(page, "explorer.codes")[7] == pytest.approx(0.05)


def test_a_random_draw_is_of_the_prior(page: Page, model: Checkpoint) -> None:
    draws = []
    for _ in range(20):
        page.click("#random")
        draws.append(numbers(page, "explorer.codes"))
    require_drawn(page, model)
    values = torch.stack(draws)  # (20, 10)
    assert len(set(values.flatten().tolist())) > 190  # of a draw that is one before there would be ten again
    assert abs(values.mean()) < 0.3  # four standard errors of 200 draws
    assert 0.8 < values.std() < 1.2


def test_the_range_of_the_data_goes_for_sliders_pad_and_mean(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    assert numbers(page, "explorer.codes").tolist() == [0] * 10
    page.click("[name=range][value=data] + span")
    told = told_of_slider(page, 7)
    assert (told["valuemin"], told["valuemax"]) == (-2, 4)
    page.click("#mean")
    assert numbers(page, "explorer.codes").tolist() == [0.5] * 10
    page.press("#pad", "End")
    assert numbers(page, "explorer.codes")[3] == 4
    require_drawn(page, model)


def test_one_latent_plays_until_it_is_halted_or_moved(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.click("[data-index='3'] .play")
    assert page.run("document.querySelector('[data-index=\"3\"] .play').ariaPressed") == "true"
    page.wait_for("explorer.codes[3] > 1")
    codes = numbers(page, "explorer.codes")
    assert codes.abs().sum() == codes[3]
    page.click("[data-index='3'] .play")
    require_still(page)
    page.click("[data-index='3'] .play")
    page.press("#z0", "ArrowRight")
    require_still(page)
    require_drawn(page, model)


def require_still(page: Page) -> None:
    before = numbers(page, "explorer.codes")
    page.settle()
    assert torch.equal(before, numbers(page, "explorer.codes"))
    assert page.run("document.querySelectorAll('.play[aria-pressed=true]').length") == 0


def test_little_motion_is_a_picture_a_second(chromium: Browser, file: Path) -> None:
    page = Page(chromium, file, reduced_motion="reduce")
    page.click("#mean")
    page.click("[data-index='3'] .play")
    assert page.run(counted("explorer.codes[3]", 400)) <= 2


def counted(expression: str, milliseconds: int) -> str:
    """A promise of how many values an expression takes from frame to frame."""
    return (
        "new Promise((done) => { const seen = new Set(); const start = performance.now();"
        f"const look = () => {{ seen.add({expression});"
        f"performance.now() - start < {milliseconds} ? requestAnimationFrame(look) : done(seen.size); }}; look(); }})"
    )


def test_a_picture_of_its_own_size_is_encoded_as_by_torch_whether_chosen_or_dropped(
    page: Page, model: Checkpoint
) -> None:
    for number, bring in enumerate((page.choose, page.drop)):
        file, pixels = Path(f"{number}.png"), noise(number, (64, 64, 4))
        pixels[:, :, 3] = 255 * (pixels[:, :, 3] > 50)  # what is transparent counts as white
        Image.fromarray(pixels.numpy()).save(file)
        bring("#file" if bring == page.choose else "main", file)
        expected = encoded(model, load_file(file, model.spec))
        page.wait_for(f"Math.abs(explorer.codes[0] - {float(expected[0])}) < {CLOSE}")
        require_drawn(page, model)
        assert (numbers(page, "explorer.codes") - expected).abs().max() <= CLOSE


def test_of_a_picture_of_another_size_the_square_in_the_middle_is_taken_and_shown(page: Page) -> None:
    green = Image.new("RGB", (300, 100), "red")
    green.paste((0, 255, 0), (100, 0, 300, 100))
    green.paste((0, 0, 255), (200, 0, 300, 100))
    green.save("wide.png")
    page.drop("#pad", Path("wide.png"))
    page.wait_for("!document.querySelector('#given').hidden")
    page.settle()
    assert (on_canvas(page, "#given canvas") - 150).abs().max() <= 3  # the grey of green, but for a rim


def test_what_is_no_picture_is_said_and_leaves_all_as_it_is(page: Page) -> None:
    before = numbers(page, "explorer.codes")
    Path("<b>.png").write_text("no picture")
    page.choose("#file", Path("<b>.png"))
    page.wait_for("document.querySelector('#said').textContent")
    assert page.run("document.querySelector('#said').textContent").startswith("<b>.png is no picture")
    assert torch.equal(before, numbers(page, "explorer.codes"))


def test_nothing_is_wider_than_the_window(chromium: Browser, model: Checkpoint) -> None:
    long = [replace(latent, top_factor="a_very_long_name_" * 5, kl=1.0) for latent in model.latents]
    file = write_page(replace(model, latents=long), Path("long.html"))
    for width in (320, 390, 800, 1280):
        assert Page(chromium, file, width).run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_its_ground(chromium: Browser, file: Path, scheme: str) -> None:
    grounds = set()
    for texts in Page(chromium, file, color_scheme=scheme).run(COLOURS):
        ink, ground = (tuple(map(int, re.findall(r"\d+", colour)[:3])) for colour in texts)
        light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, texts  # AA of the WCAG
        grounds.add(luminance(ground) > 0.5)
    assert (scheme == "light") in grounds


COLOURS = """
[...document.querySelectorAll("body *:not(script)")]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((one) => {
    const ancestors = [];
    for (let above = one; above; above = above.parentElement) ancestors.push(getComputedStyle(above).backgroundColor);
    return [getComputedStyle(one).color, ancestors.find((colour) => !colour.startsWith("rgba"))];
  })
"""


def luminance(colour: tuple[int, ...]) -> float:
    """Of an sRGB colour, 0 to 1, as the WCAG define it."""
    parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
