"""Batches in which one factor of a grid varies, and all others are held."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.images.in_memory import ImageSource
    from bvae_cli.images.spec import DataSpec


def varying_factors(spec: DataSpec) -> list[int]:
    """The places of the factors that have more than one value.

    Raises:
        BvaeError: there is not an image for each combination of factors, or none of them varies.
    """
    places = [place for place, size in enumerate(spec.factor_sizes) if size > 1]
    if spec.num_samples is not None or not places:
        raise BvaeError(
            f"{spec.name} has no image for each combination of factors, of which this objective varies one at a time",
            "choose another --objective, or a data set that has, as dsprites and shapes3d do.",
        )
    return places


def varied_factor(spec: DataSpec, seed: int, number: int) -> int:
    """Which of the varying factors, counted from 0, varies in the batch of this number; the two decide alone."""
    return int(batch_rng(seed, number).integers(len(varying_factors(spec))))


def batches(images: ImageSource, size: int, seed: int, start: int) -> Iterator[Tensor]:
    """Batches from the `start`-th on, for ever, (size, bytes) uint8 each, of images with one factor that varies."""
    for number in itertools.count(start):
        yield images.subset(sample_batch_indices(images.spec, size, seed, number)).packed


def sample_batch_indices(spec: DataSpec, size: int, seed: int, number: int) -> NDArray[np.int64]:
    """(size,): the numbers of a batch's images, each value uniform: one of each held factor, `size` of the varied."""
    random = batch_rng(seed, number)
    factor = varying_factors(spec)[int(random.integers(len(varying_factors(spec))))]
    values = np.repeat(random.integers(spec.factor_sizes)[:, None], size, axis=1)  # (factors, size)
    values[factor] = random.integers(spec.factor_sizes[factor], size=size)
    return np.asarray(np.ravel_multi_index(tuple(values), spec.factor_sizes))


def batch_rng(seed: int, number: int) -> np.random.Generator:
    """What a batch is drawn by; what it gives first is the varied factor."""
    return np.random.default_rng([seed, number])
