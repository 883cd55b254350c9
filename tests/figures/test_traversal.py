"""bvae traverse."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from conftest import Bvae
from PIL import Image, ImageSequence

from bvae_cli.checkpoint import load_checkpoint, save_checkpoint
from bvae_cli.figures.rendering import BAND, GAP, LINE
from bvae_cli.figures.traversal import TraversalAxis, base_codes, decode_traversal, inactive_note, oscillation
from bvae_cli.params import TraverseParams


def test_all_pictures_are_drawn(bvae: Bvae, checkpoint: Path) -> None:
    result = bvae("traverse", checkpoint, "--out", "here", "--frames", 4)
    assert result.code == 0
    drawn = sorted(str(path) for path in Path("here").rglob("*.*"))
    assert drawn == [
        *(f"here/latents/z{latent}.gif" for latent in range(10)),
        "here/traversal.gif",
        "here/traversal.png",
    ]
    assert sorted(result.out.split()) == drawn


def test_a_film_has_its_frames_and_its_pace_and_never_ends(bvae: Bvae, checkpoint: Path) -> None:
    bvae("traverse", checkpoint, "--out", "here", "--frames", 6, "--fps", 10)
    with Image.open("here/traversal.gif") as film:
        lengths = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
        assert film.info["loop"] == 0
    assert sum(lengths) == 600  # milliseconds; frames alike in a row are one
    assert set(lengths) <= {100, 200}


def test_a_latent_swings_up_down_and_back() -> None:
    assert oscillation(4) == pytest.approx([0.5, 1, 0.5, 0])


def test_one_latent_moves_from_end_to_end_and_the_others_are_held(checkpoint: Path) -> None:
    model, starts = load_checkpoint(checkpoint), torch.randn(3, 10)
    with torch.no_grad():
        pictures = decode_traversal(model.vae, TraversalAxis(4, -2.0, 2.0), starts, np.array([0.0, 1.0]))
        z = starts.clone()
        z[:, 4] = 2.0
        expected = (model.vae.decode(z) * 255).round().byte().movedim(1, -1).numpy()
    assert pictures.shape == (2, 3, 64, 64, 1)
    assert np.abs(pictures[1].astype(int) - expected).max() <= 1


def test_the_range_of_the_data_is_where_the_means_were(checkpoint: Path) -> None:
    model, starts = load_checkpoint(checkpoint), torch.zeros(1, 10)
    latent = model.latents[0]
    with torch.no_grad():
        ends = decode_traversal(
            model.vae, TraversalAxis.from_latent(latent, TraverseParams(range="data")), starts, np.array([0.0, 1.0])
        )
        z = torch.zeros(2, 10)
        z[:, 0] = torch.tensor([latent.posterior_mean_min, latent.posterior_mean_max])
        expected = (model.vae.decode(z) * 255).round().byte().movedim(1, -1).numpy()
    assert np.abs(ends[:, 0].astype(int) - expected).max() <= 1


def test_draws_of_the_prior_come_from_the_seed(checkpoint: Path) -> None:
    vae = load_checkpoint(checkpoint).vae
    draws = [base_codes(vae, None, TraverseParams(base_code="prior", images=5, seed=seed)) for seed in (1, 1, 2)]
    assert draws[0].shape == (5, 10)
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_unused_latents_are_named_in_one_line_unless_all_are_wanted(bvae: Bvae, checkpoint: Path) -> None:
    model = load_checkpoint(checkpoint)
    latents = [replace(latent, kl=0.0 if latent.index in {1, 4, 7} else 1.0) for latent in model.latents]
    assert (
        inactive_note(
            [TraversalAxis.from_latent(latent, TraverseParams()) for latent in latents if not latent.is_active]
        )
        == "z1, z4, z7: unused"
    )
    save_checkpoint(replace(model, latents=latents), Path("folded.pt"))
    bvae("traverse", "folded.pt", "--out", "here", "--frames", 2)
    bvae("traverse", "folded.pt", "--out", "all", "--frames", 2, "--include-inactive")
    for name in ("traversal.png", "traversal.gif"):
        heights = [iio.imread(Path(out, name)).shape[-3 if name.endswith("gif") else 0] for out in ("here", "all")]
        assert heights[1] - heights[0] == 3 * (64 + GAP) - LINE
    assert len(list(Path("here/latents").iterdir())) == 10


def test_only_the_latents_asked_for_are_drawn(bvae: Bvae, checkpoint: Path) -> None:
    assert bvae("traverse", checkpoint, "--out", "here", "--latent", 7, "--latent", 2).code == 0
    assert sorted(path.name for path in Path("here/latents").iterdir()) == ["z2.gif", "z7.gif"]


@pytest.mark.parametrize("latent", [-1, 10])
def test_a_latent_that_does_not_exist_is_refused(bvae: Bvae, checkpoint: Path, latent: int) -> None:
    result = bvae("traverse", checkpoint, "--out", "here", "--latent", latent)
    assert result.code == 1
    assert f"there is no latent {latent}" in result.err
    assert "latents 0 to 9" in result.err
    assert not Path("here").exists()


def test_the_number_of_starts_is_the_number_of_images(bvae: Bvae, checkpoint: Path) -> None:
    widths = []
    for images in (1, 2):
        options = ["--latent", 0, "--images", images, "--num-values", 2, "--frames", 2]
        bvae("traverse", checkpoint, "--out", "here", *options)
        widths.append(iio.imread("here/traversal.png").shape[1])
    assert widths[1] - widths[0] == 2 * 64 + GAP + BAND


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--max-std", -1), "traverse.max_std must be at least 0"),
        (("--base-code", "prior", "--index", 3), "--base-code prior takes no images"),
        (("--fps", 60), "traverse.fps must be at most 50"),
        (("--images", 33), "33 images are more than the 32"),
        (("--frames", 1), "traverse.frames must be at least 2"),
        (("--index", 1536), "there is no image 1536"),
        (("--index", -1), "there is no image -1"),
        (("--where", "colour=1"), "there is no factor 'colour'"),
        (("--where", "shape=3"), "shape cannot be '3'"),
        (("--where", "shape"), "shape cannot be ''"),
        (("--image", "nowhere.png"), "there is no picture nowhere.png"),
        (("--out", "/proc/here"), "cannot write /proc/here"),
    ],
)
def test_what_is_wrong_is_said(
    bvae: Bvae, checkpoint: Path, data: Path, arguments: tuple[object, ...], said: str
) -> None:
    result = bvae("traverse", checkpoint, "--data", data, *arguments)
    assert result.code == 1
    assert said in result.err


def test_a_range_that_is_none_is_a_usage_error(bvae: Bvae, checkpoint: Path) -> None:
    assert bvae("traverse", checkpoint, "--range", "sideways").code == 2
