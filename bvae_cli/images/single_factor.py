"""Batches in which one factor of a grid varies while all others are fixed (Kulkarni et al. 2015)."""

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
    """Return the indices of the factors that have more than one value.

    Raises:
        BvaeError: the data set lacks an image for some combination of factors, or no factor varies.
    """
    factors = [factor for factor, size in enumerate(spec.factor_sizes) if size > 1]
    if spec.num_samples is not None or not factors:
        raise BvaeError(
            f"{spec.name} does not contain an image for every combination of factors, which this objective requires",
            "choose another --objective, or a data set with a full grid of factors, such as dsprites or shapes3d.",
        )
    return factors


def varied_factor(spec: DataSpec, seed: int, number: int) -> int:
    """Return which of the varying factors, from 0, varies in batch `number`; only seed and number determine it."""
    return int(batch_rng(seed, number).integers(len(varying_factors(spec))))


def batches(images: ImageSource, size: int, seed: int, start: int) -> Iterator[Tensor]:
    """Yield batches from number `start` on, without end, each (size, bytes) uint8, in which one factor varies."""
    for number in itertools.count(start):
        yield images.subset(sample_batch_indices(images.spec, size, seed, number)).packed


def sample_batch_indices(spec: DataSpec, size: int, seed: int, number: int) -> NDArray[np.int64]:
    """Return the image indices of a batch, (size,): one random value per fixed factor, `size` for the varied one."""
    rng = batch_rng(seed, number)
    factor = varying_factors(spec)[int(rng.integers(len(varying_factors(spec))))]
    values = np.repeat(rng.integers(spec.factor_sizes)[:, None], size, axis=1)  # (factors, size)
    values[factor] = rng.integers(spec.factor_sizes[factor], size=size)
    return np.asarray(np.ravel_multi_index(tuple(values), spec.factor_sizes))


def batch_rng(seed: int, number: int) -> np.random.Generator:
    """Return the random generator of a batch, whose first draw selects the varied factor."""
    return np.random.default_rng([seed, number])
