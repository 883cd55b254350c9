"""bvae explore: the page in a headless browser, compared with PyTorch."""

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

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


@pytest.fixture
def chromium(running: Browser) -> Iterator[Browser]:
    """The running browser without open pages."""
    yield running
    running.close_pages()


@pytest.fixture(scope="module")
def model() -> Checkpoint:
    """A model with ten latents, six active and two with a top factor, and sixteen examples."""
    kls, names = {3: 3.0, 7: 2.0, 0: 1.0, 1: 1.0, 2: 1.0, 4: 1.0}, {3: "posX", 7: "scale"}
    latents = [
        Latent(index, kls.get(index, 0.0), 0.1, -2.0, 4.0, names.get(index), 0.0, 0.0, 0.5) for index in range(10)
    ]
    return replace(scaled_model("burgess", 1, 2.0, 10), latents=latents, examples=random_bytes(1, (16, 1, 64, 64)))


@pytest.fixture(scope="module")
def file(model: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(model, tmp_path_factory.mktemp("page") / "explorer.html")


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """The open page; after each test its console must be empty and it must have sent no requests."""
    opened = Page(chromium, file)
    yield opened
    assert opened.console_messages() == []
    assert opened.requests() == []


def random_bytes(seed: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def read_array(page: Page, expression: str) -> Tensor:
    """Return a JavaScript array as a tensor."""
    return torch.tensor(page.run(f"Array.from({expression})"), dtype=torch.float32)


def decode(model: Checkpoint, code: Tensor) -> Tensor:
    """Return the image that PyTorch decodes from a code, flattened from (row, column, channel)."""
    with torch.inference_mode():
        return model.vae.decode(code[None])[0].movedim(0, -1).reshape(-1)


def encode(model: Checkpoint, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return model.vae.encode(images)[0][0]


def canvas_reds(page: Page, selector: str) -> Tensor:
    """Return the red channel of a canvas, (4096,), from 0 to 255."""
    copy = "new OffscreenCanvas(64, 64).getContext('2d', {willReadFrequently: true})"
    data = f"(() => {{ const context = {copy}; context.drawImage(document.querySelector('{selector}'), 0, 0);"
    return read_array(
        page, data + "return context.getImageData(0, 0, 64, 64).data.filter((_, index) => index % 4 === 0) })()"
    )


def require_decoded_image(page: Page, model: Checkpoint) -> None:
    """Require that the image on the page is the one that PyTorch decodes from the slider values."""
    page.settle()
    expected = decode(model, read_array(page, "explorer.codes"))
    assert (read_array(page, "explorer.image") - expected).abs().max() <= TOLERANCE
    assert (canvas_reds(page, "#image") / 255 - expected).abs().max() <= 0.5 / 255 + TOLERANCE


def slider_accessibility(page: Page, index: int) -> dict[str, Any]:
    """Return the properties of a slider that are exposed to screen readers."""
    tree = page.send("Accessibility.queryAXTree", **find_node(page, f"#z{index}"))["nodes"]
    (slider,) = [entry for entry in tree if entry.get("role", {}).get("value") == "slider"]
    properties = {entry["name"]: entry["value"].get("value") for entry in slider["properties"]}
    text = page.run(f"document.querySelector('#z{index}').getAttribute('aria-valuetext')")
    return {"name": slider["name"]["value"], "value": slider["value"]["value"], **properties, "valuetext": text}


def find_node(page: Page, selector: str) -> dict[str, Any]:
    root = page.send("DOM.getDocument")["root"]["nodeId"]
    return {"nodeId": page.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]}


@pytest.mark.parametrize(
    ("net", "channels", "latents"),
    [*((net, 1, 5) for net in NETS), ("burgess", 3, 5), ("locatello", 3, 100), ("burgess", 1, 1)],
)
def test_every_net_has_the_outputs_of_pytorch(chromium: Browser, net: str, channels: int, latents: int) -> None:
    model = scaled_model(net, channels, 3.0, latents)
    page = Page(chromium, write_page(model, Path("explorer.html")))
    image, code = random_bytes(0, (1, channels, 64, 64)) / 255, torch.linspace(-2, 2, latents)
    codes = read_array(page, f"explorer.encode(Float32Array.from({image[0].movedim(0, -1).flatten().tolist()}))")
    decoded_image = read_array(page, f"explorer.decode(Float32Array.from({code.tolist()}))")
    for found, expected in ((codes, encode(model, image)), (decoded_image, decode(model, code))):
        assert found.shape == expected.shape
        assert expected.square().mean() > 1e-3
        assert (found - expected).abs().max() <= TOLERANCE / 10
    assert (page.console_messages(), page.requests()) == ([], [])


def test_page_starts_with_the_first_example(page: Page, model: Checkpoint) -> None:
    page.wait_for("!document.querySelector('#input-image').hidden")
    require_decoded_image(page, model)
    assert (read_array(page, "explorer.codes") - encode(model, model.examples[:1] / 255)).abs().max() <= TOLERANCE


def test_example_is_encoded(page: Page, model: Checkpoint) -> None:
    page.click(".examples button:nth-child(5)")
    require_decoded_image(page, model)
    assert (read_array(page, "explorer.codes") - encode(model, model.examples[4:5] / 255)).abs().max() <= TOLERANCE


def test_slider_changes_only_its_latent_and_updates_the_image(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.drag("#z7", (0.5, 0.5), (0.6, 0.5), (0.99, 0.5))
    require_decoded_image(page, model)
    codes = read_array(page, "explorer.codes")
    assert codes[7] == 3
    assert codes.abs().sum() == 3
    assert "3.00" in page.run("document.querySelector('[data-index=\"7\"]').innerText")


def test_keys_move_a_slider_and_its_name_and_value_are_announced(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.press("#z3", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft")
    require_decoded_image(page, model)
    properties = slider_accessibility(page, 3)
    assert properties["name"] == "z3 posX 3.00 nats"
    assert properties["valuetext"] == "posX, 0.10"
    assert (properties["valuemin"], properties["valuemax"], properties["value"]) == (-3, 3, pytest.approx(0.1))
    page.press("#z3", "Home")
    assert slider_accessibility(page, 3)["valuetext"] == "posX, −3.00"
    assert slider_accessibility(page, 0)["valuetext"] == "z0, 0.00"


def test_every_control_has_a_name_and_is_reachable_by_tab(page: Page) -> None:
    controls = "button, input, select, summary, [tabindex]"
    count = page.run(
        f"[...document.querySelectorAll('{controls}')].filter((element) => element.checkVisibility()).length"
    )
    reached = set()
    for _ in range(count + 1):
        page.press(":focus, body", "Tab")
        reached.add(page.run(f"[...document.querySelectorAll('{controls}')].indexOf(document.activeElement)"))
    assert len(reached - {-1}) == count - 1  # Tab reaches one button of a radio group
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "slider", "combobox", "radio", "image", "img"}
    named = [entry["name"]["value"] for entry in tree if entry.get("role", {}).get("value") in roles]
    assert len(named) > 40
    assert all(named)


def test_dragging_on_the_pad_moves_two_latents(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.drag("#pad", (0.5, 0.5), (0.6, 0.5), (0.75, 0.25))
    require_decoded_image(page, model)
    codes = read_array(page, "explorer.codes")
    assert codes[[3, 7]].tolist() == pytest.approx([1.5, 1.5], abs=0.03)
    assert codes.abs().sum() == codes[[3, 7]].sum()


def test_touch_moves_slider_and_pad_on_a_phone(chromium: Browser, file: Path, model: Checkpoint) -> None:
    page = Page(chromium, file, 390, 844)
    page.click("#mean")
    page.touch("#z3", (0.5, 0.5), (0.8, 0.5), (0.99, 0.5))
    assert read_array(page, "explorer.codes")[3] == 3
    page.touch("#pad", (0.5, 0.5), (0.3, 0.6), (0.25, 0.75))
    assert read_array(page, "explorer.codes")[[3, 7]].tolist() == pytest.approx([-1.5, -1.5], abs=0.03)
    require_decoded_image(page, model)
    assert page.run("document.querySelector('#image').getBoundingClientRect().top") >= 0  # it stays visible


def test_thumbnails_show_the_images_at_the_ends_of_a_slider(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    for index, value in ((0, -3.0), (1, 3.0)):
        code = torch.zeros(10)
        code[7] = value
        thumbnail = f"document.querySelectorAll('[data-index=\"7\"] .thumbnail')[{index}]"
        page.run(f"{thumbnail}.id = 'thumbnail{index}'")
        expected, deadline = 255 * decode(model, code), time.monotonic() + 10
        while (canvas_reds(page, f"#thumbnail{index}") - expected).abs().max() > 0.5 + 255 * TOLERANCE:
            assert time.monotonic() < deadline


def test_keys_move_the_pad_and_both_values_are_announced(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.press("#pad", "ArrowRight", "ArrowRight", "ArrowDown", "PageUp")
    require_decoded_image(page, model)
    assert read_array(page, "explorer.codes")[[3, 7]].tolist() == pytest.approx([0.1, 0.55])
    text = page.run("document.querySelector('#pad').getAttribute('aria-valuetext')")
    assert text == "posX, 0.10; scale, 0.55"


def test_axes_of_the_pad_are_selectable_and_never_equal(page: Page) -> None:
    page.click("#mean")
    page.run("document.querySelector('#x-axis').value = '7'")
    page.run("document.querySelector('#x-axis').dispatchEvent(new Event('change'))")
    assert page.run("document.querySelector('#y-axis').value") == "3"
    page.press("#pad", "ArrowRight")
    assert read_array(page, "explorer.codes")[7] == pytest.approx(0.05)


def test_samples_follow_the_prior(page: Page, model: Checkpoint) -> None:
    samples = []
    for _ in range(20):
        page.click("#sample")
        samples.append(read_array(page, "explorer.codes"))
    require_decoded_image(page, model)
    values = torch.stack(samples)  # (20, 10)
    assert len(set(values.flatten().tolist())) > 190  # a repeated sample would repeat ten values
    assert abs(values.mean()) < 0.3  # four standard errors of 200 values
    assert 0.8 < values.std() < 1.2


def test_data_range_applies_to_sliders_pad_and_mean(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    assert read_array(page, "explorer.codes").tolist() == [0] * 10
    page.click("[name=range][value=data] + span")
    properties = slider_accessibility(page, 7)
    assert (properties["valuemin"], properties["valuemax"]) == (-2, 4)
    page.click("#mean")
    assert read_array(page, "explorer.codes").tolist() == [0.5] * 10
    page.press("#pad", "End")
    assert read_array(page, "explorer.codes")[3] == 4
    require_decoded_image(page, model)


def test_animation_runs_until_it_is_stopped_or_a_latent_is_moved(page: Page, model: Checkpoint) -> None:
    page.click("#mean")
    page.click("[data-index='3'] .play")
    assert page.run("document.querySelector('[data-index=\"3\"] .play').ariaPressed") == "true"
    page.wait_for("explorer.codes[3] > 1")
    codes = read_array(page, "explorer.codes")
    assert codes.abs().sum() == codes[3]
    page.click("[data-index='3'] .play")
    require_no_animation(page)
    page.click("[data-index='3'] .play")
    page.press("#z0", "ArrowRight")
    require_no_animation(page)
    require_decoded_image(page, model)


def require_no_animation(page: Page) -> None:
    before = read_array(page, "explorer.codes")
    page.settle()
    assert torch.equal(before, read_array(page, "explorer.codes"))
    assert page.run("document.querySelectorAll('.play[aria-pressed=true]').length") == 0


def test_reduced_motion_shows_one_image_per_second(chromium: Browser, file: Path) -> None:
    page = Page(chromium, file, reduced_motion="reduce")
    page.click("#mean")
    page.click("[data-index='3'] .play")
    assert page.run(count_values("explorer.codes[3]", 400)) <= 2


def count_values(expression: str, milliseconds: int) -> str:
    """Return JavaScript code that counts the values of an expression over some time, frame by frame."""
    return (
        "new Promise((done) => { const values = new Set(); const start = performance.now();"
        f"const record = () => {{ values.add({expression});"
        f"performance.now() - start < {milliseconds} ? requestAnimationFrame(record) : done(values.size); }};"
        " record(); })"
    )


def test_selected_and_dropped_images_are_encoded_as_by_pytorch(page: Page, model: Checkpoint) -> None:
    for number, bring in enumerate((page.choose, page.drop)):
        file, pixels = Path(f"{number}.png"), random_bytes(number, (64, 64, 4))
        pixels[:, :, 3] = 255 * (pixels[:, :, 3] > 50)  # transparent pixels become white
        Image.fromarray(pixels.numpy()).save(file)
        bring("#file" if bring == page.choose else "main", file)
        expected = encode(model, load_file(file, model.spec))
        page.wait_for(f"Math.abs(explorer.codes[0] - {float(expected[0])}) < {TOLERANCE}")
        require_decoded_image(page, model)
        assert (read_array(page, "explorer.codes") - expected).abs().max() <= TOLERANCE


def test_images_of_other_sizes_are_cropped_to_the_centre_square(page: Page) -> None:
    green = Image.new("RGB", (300, 100), "red")
    green.paste((0, 255, 0), (100, 0, 300, 100))
    green.paste((0, 0, 255), (200, 0, 300, 100))
    green.save("wide.png")
    page.drop("#pad", Path("wide.png"))
    page.wait_for("!document.querySelector('#input-image').hidden")
    page.settle()
    assert (
        canvas_reds(page, "#input-image canvas") - 150
    ).abs().max() <= 3  # the grey level of green, except at the border


def test_invalid_image_file_is_reported_and_changes_nothing(page: Page) -> None:
    before = read_array(page, "explorer.codes")
    Path("<b>.png").write_text("not an image")
    page.choose("#file", Path("<b>.png"))
    page.wait_for("document.querySelector('#status').textContent")
    assert page.run("document.querySelector('#status').textContent").startswith("<b>.png is not an image")
    assert torch.equal(before, read_array(page, "explorer.codes"))


def test_page_is_not_wider_than_the_window(chromium: Browser, model: Checkpoint) -> None:
    long_names = [replace(latent, top_factor="a_very_long_name_" * 5, kl=1.0) for latent in model.latents]
    file = write_page(replace(model, latents=long_names), Path("long.html"))
    for width in (320, 390, 800, 1280):
        assert Page(chromium, file, width).run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_every_text_meets_wcag_aa(chromium: Browser, file: Path, scheme: str) -> None:
    background_is_light = set()
    for colours in Page(chromium, file, color_scheme=scheme).run(COLOURS):
        text, background = (tuple(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
        light, dark = sorted((luminance(text), luminance(background)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colours  # WCAG level AA
        background_is_light.add(luminance(background) > 0.5)
    assert (scheme == "light") in background_is_light


COLOURS = """
[...document.querySelectorAll("body *:not(script)")]
  .filter((element) => [...element.childNodes].some((find_node) => find_node.nodeType === 3 && find_node.data.trim()))
  .map((element) => {
    const ancestors = [];
    for (let node = element; node; node = node.parentElement) ancestors.push(getComputedStyle(node).backgroundColor);
    return [getComputedStyle(element).color, ancestors.find((colour) => !colour.startsWith("rgba"))];
  })
"""


def luminance(colour: tuple[int, ...]) -> float:
    """Return the relative luminance of an sRGB colour, 0 to 1, as defined by WCAG."""
    parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
