"""Ground-truth factors of the images, and sampling of images by their factors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bvae_cli.system.errors import BvaeError

REPLACEMENT_RATIO = 10  # images per sampled image, from which duplicates are negligible


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The ground-truth factors of each image, of a full factorial grid or of labelled samples."""

    factors: NDArray[np.int64]  # (images, factors), indices of values, from 0
    names: Sequence[str]

    @classmethod
    def from_labels(cls, labels: ArrayLike, names: Sequence[str] | None = None) -> GroundTruth:
        """Build from (images, factors) labels of any dtype; each value that occurs gets an index."""
        columns = np.asarray(labels).T
        numbered = np.stack([np.unique(column, return_inverse=True)[1] for column in columns], axis=1)
        return cls(numbered, names or [f"factor{index}" for index in range(len(columns))])

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
        return GroundTruth(self.factors[:, columns], [self.names[index] for index in columns])

    def subset(self, images: NDArray[np.int64]) -> GroundTruth:
        """Return the ground truth of the images of these indices."""
        return GroundTruth(self.factors[images], self.names)

    def drop_constant(self) -> GroundTruth:
        """Return the ground truth without factors of a single value, which no metric can use."""
        return self.select_factors(name for name, size in zip(self.names, self.sizes, strict=True) if size > 1)

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the indices of images sampled with replacement, (count,)."""
        return rng.integers(len(self), size=count)

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
