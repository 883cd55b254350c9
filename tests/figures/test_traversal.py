"""`bvae traverse`."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from conftest import Bvae
from PIL import Image, ImageSequence

from bvae_cli.checkpoint import load_checkpoint, save_checkpoint
from bvae_cli.figures.rendering import BLOCK_GAP, GAP, LINE_HEIGHT
from bvae_cli.figures.traversal import TraversalAxis, base_codes, decode_traversal, inactive_note, oscillation
from bvae_cli.params import TraverseParams


def test_all_figures_are_written(bvae: Bvae, checkpoint: Path) -> None:
    result = bvae("traverse", checkpoint, "--out", "here", "--frames", 4)
    assert result.code == 0
    written = sorted(str(path) for path in Path("here").rglob("*.*"))
    assert written == [
        *(f"here/latents/z{latent}.gif" for latent in range(10)),
        "here/traversal.gif",
        "here/traversal.png",
    ]
    assert sorted(result.out.split()) == written


def test_an_animation_has_the_right_speed_and_loops_endlessly(bvae: Bvae, checkpoint: Path) -> None:
    bvae("traverse", checkpoint, "--out", "here", "--frames", 6, "--fps", 10)
    with Image.open("here/traversal.gif") as gif:
        lengths = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
        assert gif.info["loop"] == 0
    assert sum(lengths) == 600  # milliseconds; identical consecutive frames are merged
    assert set(lengths) <= {100, 200}


def test_the_oscillation_goes_up_down_and_back() -> None:
    assert oscillation(4) == pytest.approx([0.5, 1, 0.5, 0])


def test_one_latent_is_traversed_and_the_others_are_fixed(checkpoint: Path) -> None:
    model, codes = load_checkpoint(checkpoint), torch.randn(3, 10)
    with torch.no_grad():
        images = decode_traversal(model.vae, TraversalAxis(4, -2.0, 2.0), codes, np.array([0.0, 1.0]))
        z = codes.clone()
        z[:, 4] = 2.0
        expected = (model.vae.decode(z) * 255).round().byte().movedim(1, -1).numpy()
    assert images.shape == (2, 3, 64, 64, 1)
    assert np.abs(images[1].astype(int) - expected).max() <= 1


def test_the_range_of_the_data_is_that_of_the_posterior_means(checkpoint: Path) -> None:
    model, codes = load_checkpoint(checkpoint), torch.zeros(1, 10)
    latent = model.latents[0]
    with torch.no_grad():
        ends = decode_traversal(
            model.vae, TraversalAxis.from_latent(latent, TraverseParams(range="data")), codes, np.array([0.0, 1.0])
        )
        z = torch.zeros(2, 10)
        z[:, 0] = torch.tensor([latent.posterior_mean_min, latent.posterior_mean_max])
        expected = (model.vae.decode(z) * 255).round().byte().movedim(1, -1).numpy()
    assert np.abs(ends[:, 0].astype(int) - expected).max() <= 1


def test_samples_of_the_prior_depend_on_the_seed(checkpoint: Path) -> None:
    vae = load_checkpoint(checkpoint).vae
    samples = [base_codes(vae, None, TraverseParams(base_code="prior", images=5, seed=seed)) for seed in (1, 1, 2)]
    assert samples[0].shape == (5, 10)
    assert torch.equal(samples[0], samples[1])
    assert not torch.equal(samples[0], samples[2])


def test_inactive_latents_are_only_listed_unless_included(bvae: Bvae, checkpoint: Path) -> None:
    model = load_checkpoint(checkpoint)
    latents = [replace(latent, kl=0.0 if latent.index in {1, 4, 7} else 1.0) for latent in model.latents]
    assert (
        inactive_note(
            [TraversalAxis.from_latent(latent, TraverseParams()) for latent in latents if not latent.is_active]
        )
        == "z1, z4, z7: inactive"
    )
    save_checkpoint(replace(model, latents=latents), Path("folded.pt"))
    bvae("traverse", "folded.pt", "--out", "here", "--frames", 2)
    bvae("traverse", "folded.pt", "--out", "all", "--frames", 2, "--include-inactive")
    for name in ("traversal.png", "traversal.gif"):
        heights = [iio.imread(Path(out, name)).shape[-3 if name.endswith("gif") else 0] for out in ("here", "all")]
        assert heights[1] - heights[0] == 3 * (64 + GAP) - LINE_HEIGHT
    assert len(list(Path("here/latents").iterdir())) == 10


def test_only_selected_latents_are_drawn(bvae: Bvae, checkpoint: Path) -> None:
    assert bvae("traverse", checkpoint, "--out", "here", "--latent", 7, "--latent", 2).code == 0
    assert sorted(path.name for path in Path("here/latents").iterdir()) == ["z2.gif", "z7.gif"]


@pytest.mark.parametrize("latent", [-1, 10])
def test_a_latent_that_does_not_exist_is_an_error(bvae: Bvae, checkpoint: Path, latent: int) -> None:
    result = bvae("traverse", checkpoint, "--out", "here", "--latent", latent)
    assert result.code == 1
    assert f"latent {latent} not found" in result.err
    assert "latents 0 to 9" in result.err
    assert not Path("here").exists()


def test_the_number_of_base_codes_is_the_number_of_images(bvae: Bvae, checkpoint: Path) -> None:
    widths = []
    for images in (1, 2):
        options = ["--latent", 0, "--images", images, "--num-values", 2, "--frames", 2]
        bvae("traverse", checkpoint, "--out", "here", *options)
        widths.append(iio.imread("here/traversal.png").shape[1])
    assert widths[1] - widths[0] == 2 * 64 + GAP + BLOCK_GAP


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max-std", -1), "traverse.max_std must be at least 0"),
        (("--base-code", "prior", "--index", 3), "--base-code prior is unsupported with images"),
        (("--fps", 60), "traverse.fps must be at most 50"),
        (("--images", 101), "traverse.images must be at most 100, not 101"),
        (("--frames", 1), "traverse.frames must be at least 2"),
        (("--index", 384), "image 384 not found"),
        (("--index", -1), "image -1 not found"),
        (("--where", "colour=1"), "factor 'colour' not found"),
        (("--where", "shape=3"), "invalid value '3' of factor shape"),
        (("--where", "shape"), "invalid value '' of factor shape"),
        (("--image", "nowhere.png"), "image file not found: nowhere.png"),
        (("--out", "/proc/here"), "cannot write /proc/here"),
    ],
)
def test_invalid_arguments_are_an_error(
    bvae: Bvae, checkpoint: Path, data: Path, arguments: tuple[object, ...], message: str
) -> None:
    result = bvae("traverse", checkpoint, "--data", data, *arguments)
    assert result.code == 1
    assert message in result.err


def test_an_invalid_range_is_a_usage_error(bvae: Bvae, checkpoint: Path) -> None:
    assert bvae("traverse", checkpoint, "--range", "sideways").code == 2
