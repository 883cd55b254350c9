"""Which triangle of a mesh is seen where: an orthographic camera and a depth buffer.

As in `sprites`, corners lie on a lattice of 1/256 of a sample, and what they cover is decided in exact integers: of
triangles that share an edge, exactly one has a sample on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUBSAMPLES = 256  # lattice points along a sample

Points = NDArray[np.float32]  # (vertices, 3): the picture spans -1 to 1, x to the right, y up, z towards the viewer
Triangles = NDArray[np.int32]  # (triangles, 3): numbers of vertices, counter-clockwise as seen from the front


@dataclass(frozen=True)
class Fragments:
    """Where triangles cover samples, one entry for each pair of the two."""

    samples: NDArray[np.int64]  # (fragments,): row times the picture's side, and column
    corners: NDArray[np.int32]  # (fragments, 3): the vertices of the triangle
    weights: NDArray[np.float32]  # (fragments, 3): how much each has of the sample, together 1

    def interpolate(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What vertices have, (vertices, numbers), at the samples: (fragments, numbers)."""
        sums: NDArray[np.float32] = np.einsum("fc,fcn->fn", self.weights, values[self.corners])
        return sums

    def __getitem__(self, index: NDArray[np.int64]) -> Fragments:
        return Fragments(self.samples[index], self.corners[index], self.weights[index])


def rasterise_visible(points: Points, triangles: Triangles, side: int) -> Fragments:
    """What is nearest to the viewer at each covered sample of side × side, row by row.

    Triangles seen from behind are not there at all. Of equally near ones the first is seen.
    """
    every = rasterise(points, triangles, side)
    depth = every.interpolate(points[:, 2:])[:, 0]
    order = np.lexsort((-depth, every.samples))  # stable, and fragments are in the order of the triangles
    first = np.diff(every.samples[order], prepend=-1) > 0
    return every[order[first]]


def rasterise(points: Points, triangles: Triangles, side: int) -> Fragments:
    """All samples inside triangles seen from the front, near or far, in the order of the triangles.

    A centre on a left or an upper edge is inside, one on a right or a lower edge outside.
    """
    corners = to_lattice(points, side)[:, np.ascontiguousarray(triangles.T)]  # (2, 3, triangles)
    triangle, column, row = candidate_samples(corners, side)
    x, y = corners[:, :, triangle]  # (3, candidates)
    run, rise = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    area = rise * (pixel_centre(column) - x) - run * (
        pixel_centre(row) - y
    )  # twice that between each edge and the centre
    owned = (rise > 0) | ((rise == 0) & (run < 0))

    inside = np.flatnonzero((area + owned > 0).all(axis=0))
    opposite = np.roll(area[:, inside], -1, axis=0)  # the corner's weight is that of the edge it is not on
    weights = (opposite / opposite.sum(axis=0)).T.astype(np.float32)
    return Fragments(row[inside] * side + column[inside], triangles[triangle[inside]], weights)


def to_lattice(points: Points, side: int) -> NDArray[np.int64]:
    """(2, vertices): columns and rows, y down, counted in lattice points from the upper left corner of the picture."""
    middle = side * SUBSAMPLES // 2
    x, y = np.rint(points[:, :2].T * np.float32(middle)).astype(np.int64)
    return np.stack([middle + x, middle - y])


def pixel_centre(sample: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in a row or a column of samples the centre of one is, in lattice points."""
    return sample * SUBSAMPLES + SUBSAMPLES // 2


def candidate_samples(corners: NDArray[np.int64], side: int) -> tuple[NDArray[np.int64], ...]:
    """The samples in the box around each of (2, 3, triangles): the numbers of triangle, column and row of each pair."""
    first, stop = (
        np.clip((bound + SUBSAMPLES // 2 - 1) // SUBSAMPLES, 0, side)  # the first centre that is not before it
        for bound in (corners.min(axis=1), corners.max(axis=1))
    )
    width, height = stop - first
    count = width * height
    triangle = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count, count)
    down, right = np.divmod(place, width[triangle])
    return triangle, first[0, triangle] + right, first[1, triangle] + down
