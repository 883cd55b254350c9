"""Rasterisation of a triangle mesh with an orthographic camera and a depth buffer.

As in `dsprites_rendering`, vertices lie on a lattice, here of 1/256 sample, and coverage is decided in exact integers:
exactly one of the triangles that share an edge covers a sample on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUBSAMPLES = 256  # lattice points per sample along each axis

Points = NDArray[np.float32]  # (vertices, 3): the image spans -1 to 1, x to the right, y up, z towards the viewer
Triangles = NDArray[np.int32]  # (triangles, 3): vertex indices, counter-clockwise as seen from the front


@dataclass(frozen=True)
class Fragments:
    """Pairs of a triangle and a sample that it covers."""

    samples: NDArray[np.int64]  # (fragments,): row · side + column
    corners: NDArray[np.int32]  # (fragments, 3): vertex indices of the triangle
    weights: NDArray[np.float32]  # (fragments, 3): barycentric coordinates of the sample

    def interpolate(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return vertex values, (vertices, values), interpolated at the samples: (fragments, values)."""
        sums: NDArray[np.float32] = np.einsum("fc,fcn->fn", self.weights, values[self.corners])
        return sums

    def __getitem__(self, index: NDArray[np.int64]) -> Fragments:
        return Fragments(self.samples[index], self.corners[index], self.weights[index])


def rasterise_visible(points: Points, triangles: Triangles, side: int) -> Fragments:
    """Return the nearest fragment of each covered sample of a side × side grid, row by row.

    Triangles seen from behind are ignored. The first of several equally near fragments is returned.
    """
    fragments = rasterise(points, triangles, side)
    depth = fragments.interpolate(points[:, 2:])[:, 0]
    order = np.lexsort((-depth, fragments.samples))  # stable, and fragments are in the order of the triangles
    first = np.diff(fragments.samples[order], prepend=-1) > 0
    return fragments[order[first]]


def rasterise(points: Points, triangles: Triangles, side: int) -> Fragments:
    """Return the fragments of all triangles seen from the front, at any depth, in the order of the triangles.

    A sample centre on a left or an upper edge is inside, one on a right or a lower edge outside.
    """
    corners = to_lattice(points, side)[:, np.ascontiguousarray(triangles.T)]  # (2, 3, triangles)
    triangle, column, row = candidate_samples(corners, side)
    x, y = corners[:, :, triangle]  # (3, candidates)
    run, rise = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    # twice the signed area between each edge and the sample centre
    area = rise * (pixel_centre(column) - x) - run * (pixel_centre(row) - y)
    is_left_or_upper = (rise > 0) | ((rise == 0) & (run < 0))

    inside = np.flatnonzero((area + is_left_or_upper > 0).all(axis=0))
    opposite = np.roll(area[:, inside], -1, axis=0)  # a corner's weight is the area of the opposite edge
    weights = (opposite / opposite.sum(axis=0)).T.astype(np.float32)
    return Fragments(row[inside] * side + column[inside], triangles[triangle[inside]], weights)


def to_lattice(points: Points, side: int) -> NDArray[np.int64]:
    """Return columns and rows, (2, vertices), y down, in lattice points from the upper left corner of the image."""
    middle = side * SUBSAMPLES // 2
    x, y = np.rint(points[:, :2].T * np.float32(middle)).astype(np.int64)
    return np.stack([middle + x, middle - y])


def pixel_centre(sample: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of a sample's centre in its row or column, in lattice points."""
    return sample * SUBSAMPLES + SUBSAMPLES // 2


def candidate_samples(corners: NDArray[np.int64], side: int) -> tuple[NDArray[np.int64], ...]:
    """Return triangle, column and row of each sample in the bounding boxes of the triangles, (2, 3, triangles)."""
    first, stop = (
        np.clip((bound + SUBSAMPLES // 2 - 1) // SUBSAMPLES, 0, side)  # the first sample centre at or after the bound
        for bound in (corners.min(axis=1), corners.max(axis=1))
    )
    width, height = stop - first
    count = width * height
    triangle = np.repeat(np.arange(len(count)), count)
    offset = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count, count)  # within the bounding box
    down, right = np.divmod(offset, width[triangle])
    return triangle, first[0, triangle] + right, first[1, triangle] + down
