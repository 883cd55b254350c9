"""bvae explore: the HTML of the page."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Bvae, scaled_model
from torch import nn

from bvae_cli.checkpoint import Checkpoint, save_checkpoint
from bvae_cli.explorer.layers import describe_layers
from bvae_cli.explorer.page import render_page
from bvae_cli.latents import Latent
from bvae_cli.models.nets import NETS
from bvae_cli.system.files import write_csv

MALICE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def model() -> Checkpoint:
    """A model with ten latents, latent statistics and examples."""
    latents = [Latent(index, 1.0, 0.1, -2.0, 2.0, "posX", 0.5, 0.5, 0.1) for index in range(10)]
    return replace(scaled_model("burgess", 1, 1.0, 10), latents=latents, examples=torch.zeros(20, 1, 64, 64).byte())


@pytest.fixture
def saved(model: Checkpoint) -> Path:
    save_checkpoint(model, Path("checkpoint.pt"))
    return Path("checkpoint.pt")


def data_block(page: str, name: str) -> str:
    """Return the content of a script element that contains data."""
    match = re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', page, flags=re.S)
    assert match
    return match[1]


def test_the_kl_of_a_latent_is_that_of_its_evaluation_as_in_the_report(
    bvae: Bvae, saved: Path, model: Checkpoint
) -> None:
    write_csv(
        Path("latents.csv"),
        model.latents[0].to_row(),
        (replace(each, kl=1.234).to_row().values() for each in model.latents),
    )
    assert bvae("explore", saved, "--no-open").code == 0
    assert "1.23" in Path("explorer.html").read_text()
    assert "1.00" not in Path("explorer.html").read_text()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_layer_and_weight_of_every_net_is_described(net: str, channels: int) -> None:
    for part in NETS[net](channels, 5):
        layers = describe_layers(part, channels)
        assert len(layers) == len(list(part.children()))
        assert sum(weight.numel() for layer in layers for weight in layer.weights) == sum(
            weight.numel() for weight in part.parameters()
        )


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Softplus(), "does not support Softplus"),
        (nn.BatchNorm2d(3), "does not support BatchNorm2d"),
        (nn.Conv2d(4, 4, 3, groups=2), "supports only plain square convolutions"),
        (nn.Conv2d(4, 4, 3, dilation=2), "supports only plain square convolutions"),
        (nn.Conv2d(4, 4, (3, 5)), "supports only plain square convolutions"),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), "supports only plain square convolutions"),
        (nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=1), "supports only plain square convolutions"),
    ],
)
def test_unsupported_layer_is_refused(layer: nn.Module, expected: str) -> None:
    with pytest.raises(NotImplementedError, match=expected):
        describe_layers(nn.Sequential(layer), 4)


def test_names_of_the_checkpoint_are_escaped(model: Checkpoint) -> None:
    latents = [replace(latent, top_factor=MALICE, kl=1.0) for latent in model.latents]
    hostile = replace(model, latents=latents, imported_from=MALICE, spec=replace(model.spec, name=MALICE))
    page = render_page(hostile)
    assert page.count("<script") == render_page(model).count("<script") == page.count("</script>")
    assert not re.search(r"<img(?! src=\"data:)", page)
    assert json.loads(data_block(page, "facts"))["latents"][0]["name"] == MALICE


def test_page_has_no_urls_and_a_policy_that_blocks_requests(model: Checkpoint) -> None:
    page = render_page(model)
    targets = re.findall(r'\b(?:src|href|action|srcset)="([^"]*)"|\burl\(', page)
    assert targets
    assert all(target.startswith("data:") for target in targets)
    assert not re.search(r"https?:|wss?:|import\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_unknown_mean_of_a_latent_is_zero(model: Checkpoint) -> None:
    older = replace(model, latents=[replace(latent, posterior_mean_avg=float("nan")) for latent in model.latents])
    facts = data_block(render_page(older), "facts")
    assert "NaN" not in facts
    assert {latent["mean"] for latent in json.loads(facts)["latents"]} == {0.0}


def test_latents_are_sorted_by_kl_and_inactive_ones_are_folded(model: Checkpoint) -> None:
    latents = [replace(latent, kl=float(latent.index % 5)) for latent in model.latents]
    page = render_page(replace(model, latents=latents))
    order = [int(index) for index in re.findall(r'<li class="latent" data-index="(\d+)"', page)]
    assert order == [4, 9, 3, 8, 2, 7, 1, 6, 0, 5]
    folded = page[page.index("2 inactive latents") :]
    assert re.findall(r'data-index="(\d+)"', folded) == ["0", "5"]


def test_page_without_latent_statistics_has_no_names_data_range_or_examples(model: Checkpoint) -> None:
    nothing = torch.empty(0, *model.examples.shape[1:], dtype=torch.uint8)
    page = render_page(replace(model, latents=[], examples=nothing, imported_from="last of 1Konny/Beta-VAE"))
    assert "The checkpoint has no latent statistics" in page
    for absent in ("nats", 'name="range"', 'class="examples"', "inactive"):
        assert absent not in re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)


def test_page_is_little_larger_than_its_weights_in_base64(model: Checkpoint) -> None:
    weights = sum(4 * weight.numel() for weight in model.vae.parameters())
    assert 0 < len(render_page(model)) - 4 / 3 * weights < 60_000


def test_page_is_bit_identical_if_repeated(bvae: Bvae, saved: Path) -> None:
    for name in ("a.html", "b.html"):
        result = bvae("explore", saved, "--out", name, "--no-open")
        assert (result.code, result.out.split(), result.err) == (0, [name], "")
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()


def test_page_is_written_next_to_the_checkpoint_and_opened(
    bvae: Bvae, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path("a run")
    run.mkdir()
    saved.rename(run / "checkpoint.pt")
    Path("browser").write_text('#!/bin/sh\necho "talk"\nprintf %s "$1" > opened\n')
    Path("browser").chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{Path.cwd()}/browser %s")
    result = bvae("explore", run / "checkpoint.pt")
    assert (result.code, result.out, result.err) == (0, "a run/explorer.html\n", "")
    assert Path("opened").read_text() == (run / "explorer.html").resolve().as_uri()


def test_missing_browser_is_reported(bvae: Bvae, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(Path.cwd()))
    result = bvae("explore", saved)
    assert result.code == 0
    assert result.out == "explorer.html\n"
    assert "Browser not found" in result.err
    assert Path("explorer.html").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("nowhere.pt",), "checkpoint not found: nowhere.pt"),
        (("CKPT", "--out", "/proc/explorer.html", "--no-open"), "cannot write /proc/explorer.html"),
        (("CKPT", "--out", "folder.html", "--no-open"), "cannot write folder.html"),
        (("CKPT", "--out", "model.pt", "--no-open"), "invalid file name of an HTML page: model.pt"),
    ],
)
def test_invalid_arguments_are_reported(bvae: Bvae, saved: Path, arguments: tuple[str, ...], expected: str) -> None:
    Path("folder.html").mkdir()
    result = bvae("explore", *(saved if argument == "CKPT" else argument for argument in arguments))
    assert result.code == 1
    assert expected in result.err
