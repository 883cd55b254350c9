"""The dSprites pictures, drawn anew from their geometry.

Each picture is one polygon, filled in exact integer arithmetic: vertices lie on a lattice of 1/256 of a pixel, so
which side of an edge a pixel's centre lies on is never a matter of rounding. A picture is kept as 64 rows of 64 bits.

The geometry was recovered from the frames published at github.com/google-deepmind/dsprites-dataset.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.spec import SIDE

SUBPIXELS = 256  # lattice points along a pixel
UNIT = 0.3 * SIDE  # pixels that a shape of scale 1 is drawn in

SCALES = np.linspace(0.5, 1.0, 6)
ORIENTATIONS = np.linspace(0.0, 2 * np.pi, 40)
POSITIONS = np.linspace(SIDE / 4, 3 * SIDE / 4, 32)  # centre of the shape, pixels

CENTRES = np.arange(SIDE, dtype=np.int32) * SUBPIXELS + SUBPIXELS // 2
FROM_COLUMN = np.array([(1 << SIDE - column) - 1 for column in range(SIDE + 1)], dtype=np.uint64)

Polygon = NDArray[np.float64]  # (vertices, 2): x to the right and y down, pixels from the shape's centre


def square() -> Polygon:
    """A square of side 1."""
    return UNIT / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)


def ellipse() -> Polygon:
    """An ellipse of the square's width times 1.33 and its height over 1.33, in 100 straight pieces."""
    t = 2 * np.pi * np.arange(100) / 100
    return UNIT / 2 * np.stack([1.33 * np.cos(t), np.sin(t) / 1.33], axis=1)


def heart() -> Polygon:
    """The trigonometric heart curve, tip down, in 150 straight pieces."""
    t = 2 * np.pi * np.arange(150) / 150
    height = (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 29 + 0.075
    return UNIT * np.stack([np.sin(t) ** 3 / 2, -height], axis=1)


SHAPES: tuple[Callable[[], Polygon], ...] = (square, ellipse, heart)


def rotate(polygon: Polygon, angle: float) -> Polygon:
    """The polygon turned by `angle` radians, counter-clockwise as seen on the screen."""
    x, y = polygon.T
    return np.stack([x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)], axis=1)


def rasterise_at_all_positions(polygon: Polygon) -> NDArray[np.uint8]:
    """The polygon filled at every position: (1024, 512) bytes, posX before posY, a picture's 64 rows of 64 bits each.

    Along a row, every edge that is crossed flips all pixels to its right. A centre on an upper edge is outside,
    one on a lower edge inside.
    """
    x = np.rint((polygon[:, 0] + POSITIONS[:, None]) * SUBPIXELS).astype(np.int32)  # (posX, vertex)
    y = np.rint((polygon[:, 1] + POSITIONS[:, None]) * SUBPIXELS).astype(np.int32)  # (posY, vertex)
    run, rise = np.roll(x, -1, axis=1) - x, np.roll(y, -1, axis=1) - y

    above = y[:, None, :] < CENTRES[:, None]  # (posY, row, vertex)
    position, row, edge = np.nonzero(above != np.roll(above, -1, axis=2))  # one entry a crossing, row by row
    height = rise[position, edge]
    crossing = x[:, edge] * height + run[:, edge] * (CENTRES[row] - y[position, edge])  # (posX, crossing), times height
    column = -((SUBPIXELS // 2 * height - crossing) // (SUBPIXELS * height))  # the first centre to its right

    line = position * SIDE + row
    first = np.flatnonzero(np.diff(line, prepend=-1))
    rows = np.zeros((len(POSITIONS), len(POSITIONS) * SIDE), dtype=np.uint64)
    rows[:, line[first]] = np.bitwise_xor.reduceat(FROM_COLUMN[column], first, axis=1)
    return rows.astype(">u8").view(np.uint8).reshape(-1, SIDE * SIDE // 8)


def render_sprites() -> Iterator[NDArray[np.uint8]]:
    """All 737,280 pictures in the order of the published file: 720 blocks of (1024, 512) bytes."""
    for shape, scale, angle in product(SHAPES, SCALES, ORIENTATIONS):
        yield rasterise_at_all_positions(rotate(scale * shape(), angle))
