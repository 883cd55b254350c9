"""The dSprites rendering, compared with known properties of the published images."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bvae_cli.datasets.dsprites_rendering import rasterise_at_all_positions, square

FRAMES = Path(__file__).parents[3] / "shared" / "data" / "dsprites-frames.npz"


def unpack(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.unpackbits(images, axis=-1).reshape(*images.shape[:-1], 64, 64)


def test_the_total_number_of_white_pixels_is_the_published_one(all_sprites: NDArray[np.uint8]) -> None:
    on = np.bitwise_count(all_sprites.view(np.uint64)).sum(dtype=np.int64)
    assert abs(int(on) - 128_328_862) <= 20


def test_each_shape_has_the_expected_number_of_white_pixels(all_sprites: NDArray[np.uint8]) -> None:
    on = np.bitwise_count(all_sprites.view(np.uint64)).reshape(3, -1).sum(axis=1, dtype=np.int64)
    assert on.tolist() == [53_612_886, 42_070_950, 32_645_028]


@pytest.mark.skipif(not FRAMES.exists(), reason="the published frames are not part of the project")
def test_images_equal_the_published_ones(all_sprites: NDArray[np.uint8]) -> None:
    with np.load(FRAMES) as frames:
        rendered = unpack(all_sprites[tuple(frames["factors"].T)])
        assert np.array_equal(rendered, frames["images"])


def test_an_upright_square_covers_the_pixel_centres_inside_it() -> None:
    first = unpack(rasterise_at_all_positions(square()))[0]  # at (16, 16), from 6.4 to 25.6 pixels
    expected = np.zeros((64, 64), dtype=np.uint8)
    expected[6:26, 6:26] = 1
    assert np.array_equal(first, expected)


def test_posy_varies_fastest() -> None:
    images = unpack(rasterise_at_all_positions(square())).reshape(32, 32, 64, 64)
    assert np.array_equal(images[31, 0], np.roll(images[0, 0], 32, axis=1))
    assert np.array_equal(images[0, 31], np.roll(images[0, 0], 32, axis=0))


def test_a_pixel_centre_on_an_upper_edge_is_outside_and_on_a_lower_edge_inside() -> None:
    box = np.array([(-4, -4.5), (4, -4.5), (4, 4.5), (-4, 4.5)])  # around (16, 16): rows from 11.5 to 20.5
    first = unpack(rasterise_at_all_positions(box))[0]
    assert np.flatnonzero(first.any(axis=1)).tolist() == list(range(12, 21))


def test_the_first_and_the_last_orientation_are_identical(all_sprites: NDArray[np.uint8]) -> None:
    assert np.array_equal(all_sprites[:, :, 0], all_sprites[:, :, -1])
