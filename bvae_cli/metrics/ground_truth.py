"""What is known of images: their factors, and how to draw images by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bvae_cli.system.errors import BvaeError

REPLACEMENT_RATIO = 10  # times as many images as are drawn: so many that drawing some twice does not matter


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The factors of each image: of all combinations of them, or of a plain list of labelled samples."""

    factors: NDArray[np.int64]  # (images, factors), numbers of values, from 0
    names: Sequence[str]

    @classmethod
    def from_labels(cls, labels: ArrayLike, names: Sequence[str] | None = None) -> GroundTruth:
        """The truth of (images, factors) labels of any kind; each value that occurs gets a number."""
        columns = np.asarray(labels).T
        numbered = np.stack([np.unique(column, return_inverse=True)[1] for column in columns], axis=1)
        return cls(numbered, names or [f"factor{index}" for index in range(len(columns))])

    @classmethod
    def from_grid(cls, sizes: Sequence[int], names: Sequence[str] | None = None) -> GroundTruth:
        """The truth of one image for each combination of factors of these sizes, the last varying fastest."""
        combinations = np.stack(np.unravel_index(np.arange(np.prod(sizes)), tuple(sizes)), axis=1)
        return cls(combinations, names or [f"factor{index}" for index in range(len(sizes))])

    def __len__(self) -> int:
        return len(self.factors)

    @cached_property
    def sizes(self) -> list[int]:
        """How many values each factor has."""
        return [int(size) for size in self.factors.max(axis=0) + 1]

    @cached_property
    def sorted(self) -> NDArray[np.int64]:
        """(factors, images): the images in the order of each factor's values."""
        return np.argsort(self.factors, axis=0, kind="stable").T

    @cached_property
    def counts(self) -> list[NDArray[np.int64]]:
        """How many images each value of each factor has."""
        return [np.bincount(column, minlength=size) for column, size in zip(self.factors.T, self.sizes, strict=True)]

    def select_factors(self, names: Iterable[str]) -> GroundTruth:
        """The same of some factors alone."""
        kept = [list(self.names).index(name) for name in names]
        return GroundTruth(self.factors[:, kept], [self.names[index] for index in kept])

    def subset(self, images: NDArray[np.int64]) -> GroundTruth:
        """The same of some images, by number."""
        return GroundTruth(self.factors[images], self.names)

    def drop_constant(self) -> GroundTruth:
        """The same without factors of a single value, of which nothing can be told."""
        return self.select_factors(name for name, size in zip(self.names, self.sizes, strict=True) if size > 1)

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Numbers of images, drawn with replacement."""
        return rng.integers(len(self), size=count)

    def sample_sharing_factor(
        self, images: NDArray[np.int64], factor: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """For each image one that has the same value of a factor, drawn with replacement; of any shape.

        Raises:
            BvaeError: no two images share a value.
        """
        counts = self.counts[factor]
        if counts.max() < 2:
            raise BvaeError(f"no two samples agree in {self.names[factor]}")
        value = self.factors[images, factor]
        first = np.cumsum(counts) - counts
        place = (rng.random(images.shape) * counts[value]).astype(np.int64)
        return np.asarray(self.sorted[factor][first[value] + place])

    def train_test_split(
        self, train: int, test: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of images to learn from and to test on: drawn with replacement where there are plenty, else apart."""
        if len(self) >= REPLACEMENT_RATIO * (train + test):
            return self.sample(train, rng), self.sample(test, rng)
        order = rng.permutation(len(self))
        kept = min(train, len(self) * train // (train + test))
        return order[:kept], order[kept : kept + test]
