"""Batches of image pairs that differ in few factors of variation (Locatello et al. 2020, section 5)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.images.in_memory import ImageSource
    from bvae_cli.images.spec import DataSpec

Changes = Literal["one", "random", "uniform", "all_but_one"]


def varying_factors(spec: DataSpec) -> list[int]:
    """Return the indices of the factors that have more than one value.

    Raises:
        BvaeError: fewer than two factors vary, so that no pair can differ in one and share another.
    """
    factors = [factor for factor, size in enumerate(spec.factor_sizes) if size > 1]
    if len(factors) < 2:
        raise BvaeError(
            f"{spec.name} does not have two labelled factors that vary, which pairs of images require",
            "choose another --objective, or a data set with labels, such as dsprites or shapes3d.",
        )
    return factors


def sample_changes(
    spec: DataSpec, pairs: int, changes: Changes, seed: int, number: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which factors change in each pair of batch `number`; only seed and number determine it.

    Returns:
        A mask of the changed factors, (pairs, factors), and the last one of each pair, (pairs,), counted from 0 among
        the factors that vary. A changed factor is drawn from all its values, and may get the old one again.
    """
    rng, factors = np.random.default_rng([seed, number]), varying_factors(spec)
    counts = sample_counts(len(factors), pairs, changes, rng)
    order = rng.permuted(np.tile(np.arange(len(factors)), (pairs, 1)), axis=1)
    changed = np.zeros((pairs, len(spec.factors)), dtype=bool)
    for row, count in enumerate(counts):
        changed[row, np.array(factors)[order[row, :count]]] = True
    return changed, order[np.arange(pairs), counts - 1]


def sample_counts(num_factors: int, pairs: int, changes: Changes, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the number of changed factors of each pair, (pairs,): at least 1, and fewer than all.

    `random` is 1 with probability ½ and otherwise uniform, as in the authors' code.
    """
    uniform = rng.integers(1, num_factors, size=pairs)
    if changes == "one":
        return np.ones(pairs, dtype=np.int64)
    if changes == "all_but_one":
        return np.full(pairs, num_factors - 1)
    return uniform if changes == "uniform" else np.where(rng.random(pairs) < 0.5, 1, uniform)


def batches(images: ImageSource, changes: Changes, size: int, seed: int, start: int) -> Iterator[Tensor]:
    """Yield batches from number `start` on, without end, each (size, bytes) uint8: rows 2·i and 2·i + 1 are a pair."""
    sampler = PairSampler(images)
    for number in itertools.count(start):
        yield images.subset(sampler.sample_indices(changes, size, seed, number)).packed


class PairSampler:
    """Sampling of pairs from a grid of factors, or from a list of images with labels."""

    def __init__(self, images: ImageSource) -> None:
        """Read the labels of all images, if they do not form a grid."""
        self.spec = images.spec
        self.labels = images.factors(np.arange(len(images))) if self.spec.num_samples is not None else None
        self.groups: Callable[[bytes], tuple[NDArray[np.int64], ...]] = cache(self.group_images)

    def sample_indices(self, changes: Changes, size: int, seed: int, number: int) -> NDArray[np.int64]:
        """Return the image indices of a batch, (size,): first images uniform, each followed by its partner."""
        changed, _ = sample_changes(self.spec, size // 2, changes, seed, number)
        rng = np.random.default_rng([seed, number, 1])
        first = rng.integers(self.spec.num_images, size=size // 2)
        second = self.redraw(first, changed, rng) if self.labels is None else self.find(first, changed, rng)
        return np.stack([first, second], axis=1).reshape(-1)

    def redraw(
        self, first: NDArray[np.int64], changed: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return the partners in a grid, (pairs,): the changed factors are drawn from all their values."""
        sizes = self.spec.factor_sizes
        values = np.stack(np.unravel_index(first, sizes), axis=1)
        partner = np.where(changed, rng.integers(sizes, size=values.shape), values)
        return np.asarray(np.ravel_multi_index(tuple(partner.T), sizes))

    def find(self, first: NDArray[np.int64], changed: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the partners in a list, (pairs,): random images with the same values of the shared factors.

        An image that is the only one with these values is its own partner.
        """
        partners = []
        for image, mask, share in zip(first, changed, rng.random(len(first)), strict=True):
            order, group, starts, counts = self.groups(mask.tobytes())
            own = group[image]
            partners.append(order[starts[own] + int(share * counts[own])])
        return np.array(partners)

    def group_images(self, changed: bytes) -> tuple[NDArray[np.int64], ...]:
        """Return groups of images that agree in all factors outside a mask.

        The images sorted by group, the group of each image, and the start and the size of each group.
        """
        assert self.labels is not None
        shared = self.labels[:, ~np.frombuffer(changed, dtype=bool)]
        _, group, counts = np.unique(shared, axis=0, return_inverse=True, return_counts=True)
        group = group.reshape(-1)
        return np.argsort(group, kind="stable"), group, np.cumsum(counts) - counts, counts
