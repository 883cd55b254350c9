"""Ground-truth factors of images as integer labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bvae_cli.images.spec import DataSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def encode_labels(values: ArrayLike) -> NDArray[np.int64]:
    """Return integer labels, (images, factors): the rank of each value among the distinct values of its factor."""
    import numpy as np

    columns = np.asarray(values).T
    return np.stack([np.unique(column, return_inverse=True)[1] for column in columns], axis=1)


def is_grid(labels: NDArray[np.int64]) -> bool:
    """Return whether labels, (images, factors), hold each combination once, with the last factor varying fastest."""
    import numpy as np

    sizes = labels.max(axis=0) + 1
    if math.prod(map(int, sizes)) != len(labels):
        return False
    return np.array_equal(grid_factors(tuple(sizes), np.arange(len(labels))), labels)


def grid_factors(sizes: tuple[int, ...], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the factors, (images, factors), of the images at these indices of a grid of these sizes."""
    import numpy as np

    return np.stack(np.unravel_index(index, sizes), axis=-1)


def factors_at(spec: DataSpec, labels: NDArray[np.int64] | None, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the factors, (images, factors), of the images at these indices, from the labels or else from the grid."""
    import numpy as np

    if not spec.factors:
        return np.empty((len(index), 0), dtype=np.int64)
    return grid_factors(spec.factor_sizes, index) if labels is None else labels[index]


def attach_labels(
    spec: DataSpec, names: Sequence[str], labels: NDArray[np.int64]
) -> tuple[DataSpec, NDArray[np.int64] | None]:
    """Return the spec with these factors, and the labels, (images, factors), or None if they form a full grid."""
    factors = dict(zip(names, map(int, labels.max(axis=0) + 1), strict=True))
    if is_grid(labels):
        return replace(spec, factors=factors, num_samples=None), None
    return replace(spec, factors=factors, num_samples=len(labels)), labels
