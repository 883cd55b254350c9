"""Ground-truth factors of the images, and sampling of images by their factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bvae_cli.metrics.binning import equal_width_bins
from bvae_cli.system.errors import BvaeError

MAX_CLASSES = 100  # distinct numbers above which a factor is continuous
REPLACEMENT_RATIO = 10  # images per sampled image, from which duplicates are negligible


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The ground-truth factors of each image, of a full factorial grid or of labelled samples.

    A factor is categorical, or continuous as an angle or an age is. Metrics that need classes use the bins of a
    continuous factor; metrics that need numbers use its measurements.
    """

    factors: NDArray[np.int64]  # (images, factors), indices of values, or bins of a continuous factor, from 0
    names: Sequence[str]
    measurements: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # of continuous factors, (images,)

    @classmethod
    def from_labels(
        cls, labels: ArrayLike, names: Sequence[str] | None = None, is_continuous: Sequence[bool] | None = None
    ) -> GroundTruth:
        """Build from (images, factors) labels of any dtype; each value that occurs gets an index.

        A continuous factor is put in 20 bins of equal width instead; empty bins are left out.

        Args:
            labels: (images, factors).
            names: of the factors.
            is_continuous: by factor. Default: factors with more than 100 distinct numbers are continuous.
        """
        columns = np.asarray(labels).T
        names = names or [f"factor{index}" for index in range(len(columns))]
        if is_continuous is None:
            is_continuous = [has_many_numbers(column) for column in columns]
        measurements = {
            name: column.astype(np.float64)
            for name, column, measured in zip(names, columns, is_continuous, strict=True)
            if measured
        }
        binned = [
            equal_width_bins(measurements[name]) if name in measurements else column
            for name, column in zip(names, columns, strict=True)
        ]
        numbered = np.stack([np.unique(column, return_inverse=True)[1] for column in binned], axis=1)
        return cls(numbered, names, measurements)

    @classmethod
    def from_grid(cls, sizes: Sequence[int], names: Sequence[str] | None = None) -> GroundTruth:
        """Build from a full factorial grid of these factor sizes, the last factor varying fastest."""
        combinations = np.stack(np.unravel_index(np.arange(np.prod(sizes)), tuple(sizes)), axis=1)
        return cls(combinations, names or [f"factor{index}" for index in range(len(sizes))])

    def __len__(self) -> int:
        return len(self.factors)

    @cached_property
    def sizes(self) -> list[int]:
        """The number of values of each factor."""
        return [int(size) for size in self.factors.max(axis=0) + 1]

    @property
    def is_continuous(self) -> list[bool]:
        """Whether each factor is continuous."""
        return [name in self.measurements for name in self.names]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The factors as numbers, (images, factors): measurements of continuous factors, indices of all others."""
        columns = zip(self.names, self.factors.T, strict=True)
        return np.stack([self.measurements.get(name, column.astype(np.float64)) for name, column in columns], axis=1)

    @cached_property
    def sorted(self) -> NDArray[np.int64]:
        """The indices of the images sorted by each factor's value, (factors, images)."""
        return np.argsort(self.factors, axis=0, kind="stable").T

    @cached_property
    def counts(self) -> list[NDArray[np.int64]]:
        """The number of images of each value, one array per factor."""
        return [np.bincount(column, minlength=size) for column, size in zip(self.factors.T, self.sizes, strict=True)]

    def select_factors(self, names: Iterable[str]) -> GroundTruth:
        """Return the ground truth restricted to the named factors."""
        columns = [list(self.names).index(name) for name in names]
        selected = [self.names[index] for index in columns]
        measurements = {name: column for name, column in self.measurements.items() if name in selected}
        return GroundTruth(self.factors[:, columns], selected, measurements)

    def subset(self, images: NDArray[np.int64]) -> GroundTruth:
        """Return the ground truth of the images of these indices."""
        measurements = {name: column[images] for name, column in self.measurements.items()}
        return GroundTruth(self.factors[images], self.names, measurements)

    def drop_constant(self) -> GroundTruth:
        """Return the ground truth without factors of a single value, which no metric can use."""
        return self.select_factors(name for name, size in zip(self.names, self.sizes, strict=True) if size > 1)

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the indices of images sampled with replacement, (count,)."""
        return rng.integers(len(self), size=count)

    def sample_distinct(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the indices of images sampled without replacement: `count` of them, or all if there are fewer."""
        return rng.permutation(len(self))[:count]

    def sample_sharing_factor(
        self, images: NDArray[np.int64], factor: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return, for each image index, that of an image with the same value of a factor, sampled with replacement.

        The result has the shape of `images`.

        Raises:
            BvaeError: no two images share a value of the factor.
        """
        counts = self.counts[factor]
        if counts.max() < 2:
            raise BvaeError(f"no two samples share a value of the factor {self.names[factor]}")
        value = self.factors[images, factor]
        first = np.cumsum(counts) - counts
        offset = (rng.random(images.shape) * counts[value]).astype(np.int64)
        return np.asarray(self.sorted[factor][first[value] + offset])

    def train_test_split(
        self, train: int, test: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the indices of training and of test images.

        They are sampled with replacement if there are plenty of images, and are disjoint otherwise.
        """
        if len(self) >= REPLACEMENT_RATIO * (train + test):
            return self.sample(train, rng), self.sample(test, rng)
        order = rng.permutation(len(self))
        num_train = min(train, len(self) * train // (train + test))
        return order[:num_train], order[num_train : num_train + test]


def has_many_numbers(column: NDArray[Any]) -> bool:
    """Return whether (images,) labels are finite numbers, of which more than `MAX_CLASSES` are distinct."""
    return column.dtype.kind in "fiu" and bool(np.isfinite(column).all()) and len(np.unique(column)) > MAX_CLASSES
