"""Pictures in memory, packed as they are on the disk, and unpacked a batch at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.datasets import store
from bvae_cli.datasets.spec import SIDE, UNKNOWN, DataSpec
from bvae_cli.system.errors import BvaeError


class Source(Protocol):
    """Where training takes its pictures from."""

    @property
    def spec(self) -> DataSpec:
        """What the data set is."""

    def __len__(self) -> int:
        """Number of images."""

    def to(self, device: torch.device) -> Source:
        """The same, its batches fit for a device."""

    def some(self, count: int, seed: int) -> NDArray[np.int64]:
        """Numbers of images from all over the data set, `count` or all of them."""

    def at(self, index: NDArray[np.int64]) -> Images:
        """The images of these numbers, in this order."""

    def parts(self) -> Iterator[Images]:
        """All images in their order, as many together as fit into memory."""

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Batches from the `start`-th on, for ever, each (size, bytes) uint8.

        Every image comes once an epoch, in an order of which the seed and the epoch decide; the odd ones are left out.
        """


@dataclass(frozen=True)
class Images:
    """Images of a data file, all or some."""

    spec: DataSpec
    packed: Tensor  # (images, bytes) uint8

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """The images at an index, unpacked where they lie: (batch, channels, 64, 64) float32 of 0 and 1."""
        return unpack(self.packed[index], self.spec.channels)

    def to(self, device: torch.device) -> Images:
        """The same images on a device."""
        return Images(self.spec, self.packed.to(device))

    def some(self, count: int, seed: int) -> NDArray[np.int64]:
        """Numbers of images from all over the data set, `count` or all of them."""
        return np.random.default_rng(seed).permutation(len(self))[:count]

    def at(self, index: NDArray[np.int64]) -> Images:
        """The images of these numbers, in this order."""
        return Images(self.spec, self.packed[torch.from_numpy(index).to(self.packed.device)])

    def parts(self) -> Iterator[Images]:
        """All of them, together."""
        yield self

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Batches from the `start`-th on, for ever, (size, bytes) uint8 each: see Source."""
        in_epoch = len(self) // size
        first, skipped = divmod(start, in_epoch)
        for epoch in itertools.count(first):
            order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(self)))
            order = order.to(self.packed.device)
            for batch in range(skipped, in_epoch):
                yield self.packed[order[batch * size : (batch + 1) * size]]
            skipped = 0

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """(images, factors): the factors of the images of these numbers."""
        return np.stack(np.unravel_index(index, self.spec.grid), axis=-1)


def unpack(packed: Tensor, channels: int) -> Tensor:
    """(batch, bytes) uint8 of eight pixels each as (batch, channels, 64, 64) float32 of 0 and 1, where they lie."""
    places = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)  # of a byte's pixels
    bits = packed[..., None] >> places & 1  # (batch, bytes, 8)
    return bits.float().view(-1, channels, SIDE, SIDE)


def load(folder: Path, name: str) -> Images:
    """The images of a data set, from its data file in a folder.

    Raises:
        BvaeError: it is unknown what data it is, or whatever `store.opened` raises.
    """
    if name == UNKNOWN:
        raise BvaeError(
            "the data that this model was trained on is none that bvae has",
            "traverse and reconstruct take your own: --picture FILE.",
        )
    spec, packed = store.read(folder / f"{name}.h5", name)
    return Images(spec, torch.from_numpy(packed))
