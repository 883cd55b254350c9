"""Pictures in memory, packed as they are on the disk, and unpacked a batch at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.images import store
from bvae_cli.images.labels import factors_at
from bvae_cli.images.spec import DataSpec
from bvae_cli.images.unpacking import unpack_images
from bvae_cli.system.errors import BvaeError


class ImageSource(Protocol):
    """Where training takes its pictures from."""

    @property
    def spec(self) -> DataSpec:
        """What the data set is."""

    def __len__(self) -> int:
        """Number of images."""

    def to(self, device: torch.device) -> ImageSource:
        """The same, its batches fit for a device."""

    def subset(self, index: NDArray[np.int64]) -> Images:
        """The images of these numbers, in this order."""

    def iter_blocks(self) -> Iterator[Images]:
        """All images in their order, as many together as fit into memory."""

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """(images, factors): the factors of the images of these numbers."""

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Batches from the `start`-th on, for ever, each (size, bytes) uint8.

        Every image comes once an epoch, in an order of which the seed and the epoch decide; the odd ones are left out.
        """


@dataclass(frozen=True)
class Images:
    """Images of a data file, all or some."""

    spec: DataSpec
    packed: Tensor  # (images, bytes) uint8
    labels: NDArray[np.int64] | None = None  # (images of the data file, factors), where they are no grid

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """The images at an index, unpacked where they lie: (batch, channels, 64, 64) float32 in [0, 1]."""
        return unpack_images(self.packed[index], self.spec)

    def to(self, device: torch.device) -> Images:
        """The same images on a device."""
        return replace(self, packed=self.packed.to(device))

    def subset(self, index: NDArray[np.int64]) -> Images:
        """The images of these numbers, in this order."""
        return replace(self, packed=self.packed[torch.from_numpy(index).to(self.packed.device)])

    def iter_blocks(self) -> Iterator[Images]:
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
        """(images, factors): the factors of the images of the data file of these numbers."""
        return factors_at(self.spec, self.labels, index)


def sample_indices(images: ImageSource, count: int, seed: int) -> NDArray[np.int64]:
    """Numbers of images from all over a data set, `count` or all of them, each drawn by itself."""
    return np.random.default_rng(seed).permutation(len(images))[:count]


def load_images(folder: Path, name: str) -> Images:
    """The images of a data set, from its data file in a folder.

    Raises:
        BvaeError: memory cannot hold them, or whatever `store.open_data_file` raises.
    """
    path = folder / f"{name}.h5"
    with store.open_data_file(path, name) as content:
        needed, free = content.spec.num_images * content.spec.bytes_per_image, psutil.virtual_memory().available
    if needed > free:
        raise BvaeError(
            f"{path} takes {needed / 1e9:.1f} GB of memory, of which {free / 1e9:.1f} are free",
            "leave it on the disk: --stream.",
        )
    spec, packed, labels = store.read_data_file(path, name)
    return Images(spec, torch.from_numpy(packed), labels)
