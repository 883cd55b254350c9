"""Grids of images."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from bvae_cli.figures.rendering import (
    BACKGROUND,
    BLOCK_GAP,
    GAP,
    LABEL_WIDTH,
    LINE_HEIGHT,
    MARGIN,
    Label,
    image_grid,
    to_tiles,
    write_png,
)

GREY = np.random.default_rng(0).integers(256, size=(2, 3, 8, 8, 1), dtype=np.uint8)
COLOUR = np.random.default_rng(0).integers(256, size=(2, 3, 8, 8, 3), dtype=np.uint8)


def test_tiles_are_bytes_with_the_channels_last() -> None:
    images = torch.tensor([0.0, 0.5, 1.0, 2.0]).view(1, 1, 2, 2)
    assert to_tiles(images)[0, :, :, 0].tolist() == [[0, 128], [255, 255]]


@pytest.mark.parametrize("tiles", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_plain_grid_is_its_tiles_with_a_margin(tiles: np.ndarray) -> None:
    page = image_grid(tiles)
    assert page.shape[:2] == (2 * 8 + GAP + 2 * MARGIN, 3 * 8 + 2 * GAP + 2 * MARGIN)
    for row, column in np.ndindex(2, 3):
        top, left = MARGIN + row * (8 + GAP), MARGIN + column * (8 + GAP)
        assert np.array_equal(page[top : top + 8, left : left + 8].reshape(8, 8, -1), tiles[row, column])


def test_pixels_are_enlarged_without_interpolation() -> None:
    page = image_grid(GREY, zoom=3)
    assert np.array_equal(
        page[MARGIN : MARGIN + 24, MARGIN : MARGIN + 24], GREY[0, 0, :, :, 0].repeat(3, 0).repeat(3, 1)
    )


def test_blocks_of_columns_have_a_wider_gap() -> None:
    tiles = GREY[:, [0, 1, 2, 0]]
    assert image_grid(tiles, block=2).shape[1] - image_grid(tiles).shape[1] == BLOCK_GAP - GAP


def test_labels_are_drawn_to_the_left_and_headings_above() -> None:
    page = image_grid(GREY, [Label("one"), Label("two")], ["a", "b", "c"])
    assert page.shape == tuple(
        side + more for side, more in zip(image_grid(GREY).shape, (LINE_HEIGHT, LABEL_WIDTH), strict=True)
    )
    assert (page[MARGIN + LINE_HEIGHT :, :LABEL_WIDTH] != BACKGROUND).any()
    assert (page[: MARGIN + LINE_HEIGHT, MARGIN + LABEL_WIDTH :] != BACKGROUND).any()


def test_a_marker_moves_along_its_track() -> None:
    pages = [image_grid(GREY.repeat(10, 2), [Label("z", marker=position), Label("")]) for position in (0.0, 1.0)]
    bright = [np.flatnonzero((page[:, :LABEL_WIDTH] > 200).any(axis=0)).max() for page in pages]
    assert bright[1] - bright[0] > LABEL_WIDTH / 2


def test_a_png_has_the_pixels_of_its_page() -> None:
    page = image_grid(COLOUR)
    assert np.array_equal(iio.imread(write_png(Path("page.png"), page)), page)
