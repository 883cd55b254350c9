"""Rendering of the dSprites images from their geometry.

Each image is one polygon, filled in exact integer arithmetic. Vertices lie on a lattice of 1/256 pixel, so that no
rounding decides on which side of an edge a pixel's centre lies. An image is stored as 64 rows of 64 bits.

The geometry was recovered from the images published at github.com/google-deepmind/dsprites-dataset.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.spec import SIDE

SUBPIXELS = 256  # lattice points per pixel along each axis
UNIT = 0.3 * SIDE  # pixels; the size of a shape of scale 1

SCALES = np.linspace(0.5, 1.0, 6)
ORIENTATIONS = np.linspace(0.0, 2 * np.pi, 40)
POSITIONS = np.linspace(SIDE / 4, 3 * SIDE / 4, 32)  # centre of the shape, pixels

PIXEL_CENTRES = np.arange(SIDE, dtype=np.int32) * SUBPIXELS + SUBPIXELS // 2
# the bits of a row from each column to the right border
COLUMN_MASKS = np.array([(1 << SIDE - column) - 1 for column in range(SIDE + 1)], dtype=np.uint64)

Polygon = NDArray[np.float64]  # (vertices, 2): x to the right and y down, pixels from the shape's centre


def square() -> Polygon:
    """Return a square of side 1."""
    return UNIT / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)


def ellipse() -> Polygon:
    """Return an ellipse with 1.33 times the width and 1/1.33 of the height of the square, as 100 line segments."""
    t = 2 * np.pi * np.arange(100) / 100
    return UNIT / 2 * np.stack([1.33 * np.cos(t), np.sin(t) / 1.33], axis=1)


def heart() -> Polygon:
    """Return the trigonometric heart curve, tip down, as 150 line segments."""
    t = 2 * np.pi * np.arange(150) / 150
    height = (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 29 + 0.075
    return UNIT * np.stack([np.sin(t) ** 3 / 2, -height], axis=1)


SHAPES: tuple[Callable[[], Polygon], ...] = (square, ellipse, heart)


def rotate(polygon: Polygon, angle: float) -> Polygon:
    """Return the polygon rotated by `angle` radians, counter-clockwise on the screen."""
    x, y = polygon.T
    return np.stack([x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)], axis=1)


def rasterise_at_all_positions(polygon: Polygon) -> NDArray[np.uint8]:
    """Return the polygon filled at every position, (1024, 512) bytes, posX before posY; an image is 64 rows of 64 bits.

    Each edge that crosses a row flips all pixels to its right. A pixel centre on an upper edge is outside, one on a
    lower edge inside.
    """
    x = np.rint((polygon[:, 0] + POSITIONS[:, None]) * SUBPIXELS).astype(np.int32)  # (posX, vertex)
    y = np.rint((polygon[:, 1] + POSITIONS[:, None]) * SUBPIXELS).astype(np.int32)  # (posY, vertex)
    run, rise = np.roll(x, -1, axis=1) - x, np.roll(y, -1, axis=1) - y

    above = y[:, None, :] < PIXEL_CENTRES[:, None]  # (posY, row, vertex)
    position, row, edge = np.nonzero(above != np.roll(above, -1, axis=2))  # one entry per crossing, row by row
    height = rise[position, edge]
    # (posX, crossing), times height
    crossing = x[:, edge] * height + run[:, edge] * (PIXEL_CENTRES[row] - y[position, edge])
    column = -((SUBPIXELS // 2 * height - crossing) // (SUBPIXELS * height))  # the first pixel centre to its right

    line = position * SIDE + row
    first = np.flatnonzero(np.diff(line, prepend=-1))
    rows = np.zeros((len(POSITIONS), len(POSITIONS) * SIDE), dtype=np.uint64)
    rows[:, line[first]] = np.bitwise_xor.reduceat(COLUMN_MASKS[column], first, axis=1)
    return rows.astype(">u8").view(np.uint8).reshape(-1, SIDE * SIDE // 8)


def render_sprites() -> Iterator[NDArray[np.uint8]]:
    """Yield all 737,280 images in the order of the published file, as 720 blocks of (1024, 512) bytes."""
    for shape, scale, angle in product(SHAPES, SCALES, ORIENTATIONS):
        yield rasterise_at_all_positions(rotate(scale * shape(), angle))
