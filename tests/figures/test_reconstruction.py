"""`bvae reconstruct`."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from conftest import Bvae
from numpy.typing import NDArray

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.figures.rendering import GAP, LABEL_WIDTH, LINE_HEIGHT, MARGIN


def test_originals_are_above_their_reconstructions(bvae: Bvae, checkpoint: Path) -> None:
    assert bvae("reconstruct", checkpoint, "--images", 2, "--out", "here").out.strip() == "here/reconstruction.png"
    page = iio.imread("here/reconstruction.png")
    model = load_checkpoint(checkpoint)
    for column in range(2):
        assert np.array_equal(tile(page, 0, column), model.examples[column, 0].numpy())
    assert np.corrcoef(tile(page, 1, 0).ravel(), tile(page, 0, 0).ravel())[0, 1] > 0.5


def tile(page: NDArray[np.uint8], row: int, column: int) -> NDArray[np.uint8]:
    top, left = MARGIN + LINE_HEIGHT + row * (64 + GAP), MARGIN + LABEL_WIDTH + column * (64 + GAP)
    return page[top : top + 64, left : left + 64]


def test_images_are_selected_by_index(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    assert bvae("reconstruct", checkpoint, "--data", data, "--index", 3, "--out", "here").code == 0
    assert iio.imread("here/reconstruction.png").shape[1] == 2 * MARGIN + LABEL_WIDTH + 64


def test_zero_images_are_an_error(bvae: Bvae, checkpoint: Path) -> None:
    result = bvae("reconstruct", checkpoint, "--images", 0)
    assert result.code == 1
    assert "reconstruct.images must be at least 1" in result.err
