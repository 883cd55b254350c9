"""Images in memory, packed as on disk and unpacked one batch at a time."""

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
    """The images that training reads, in memory or on disk."""

    @property
    def spec(self) -> DataSpec:
        """Return the specification of the data set."""

    def __len__(self) -> int:
        """Return the number of images."""

    def to(self, device: torch.device) -> ImageSource:
        """Return the same images with batches prepared for a device."""

    def subset(self, index: NDArray[np.int64]) -> Images:
        """Return the images at these indices, in this order."""

    def iter_blocks(self) -> Iterator[Images]:
        """Yield all images in order, in blocks that fit into memory."""

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the factors, (images, factors), of the images at these indices."""

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Yield batches from number `start` on, without end, each (size, bytes) uint8.

        Every image occurs once per epoch, in an order that depends only on seed and epoch. Images that do not fill a
        batch are dropped.
        """


@dataclass(frozen=True)
class Images:
    """Images of a data file, all or a subset."""

    spec: DataSpec
    packed: Tensor  # (images, bytes) uint8
    labels: NDArray[np.int64] | None = None  # (images of the data file, factors); None for a full grid of factors

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """Return the images at an index, unpacked on their device: (batch, channels, 64, 64) float32 in [0, 1]."""
        return unpack_images(self.packed[index], self.spec)

    def to(self, device: torch.device) -> Images:
        """Return the same images on a device."""
        return replace(self, packed=self.packed.to(device))

    def subset(self, index: NDArray[np.int64]) -> Images:
        """Return the images at these indices, in this order."""
        return replace(self, packed=self.packed[torch.from_numpy(index).to(self.packed.device)])

    def iter_blocks(self) -> Iterator[Images]:
        """Yield all images as one block."""
        yield self

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Yield batches from number `start` on, without end, each (size, bytes) uint8; see ImageSource."""
        batches_per_epoch = len(self) // size
        first_epoch, skipped = divmod(start, batches_per_epoch)
        for epoch in itertools.count(first_epoch):
            order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(self)))
            order = order.to(self.packed.device)
            for batch in range(skipped, batches_per_epoch):
                yield self.packed[order[batch * size : (batch + 1) * size]]
            skipped = 0

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the factors, (images, factors), of the images of the data file at these indices."""
        return factors_at(self.spec, self.labels, index)


def sample_indices(images: ImageSource, count: int, seed: int) -> NDArray[np.int64]:
    """Return `count` random indices without repetition, or all indices if the data set has fewer images."""
    return np.random.default_rng(seed).permutation(len(images))[:count]


def load_images(folder: Path, name: str) -> Images:
    """Return the images of a data set, read from its data file in a folder.

    Raises:
        BvaeError: they do not fit into memory, or any error that `store.open_data_file` raises.
    """
    path = folder / f"{name}.h5"
    with store.open_data_file(path, name) as content:
        needed, free = content.spec.num_images * content.spec.bytes_per_image, psutil.virtual_memory().available
    if needed > free:
        raise BvaeError(
            f"{path} needs {needed / 1e9:.1f} GB of memory, but only {free / 1e9:.1f} GB are free",
            "read it from disk during training: --stream.",
        )
    spec, packed, labels = store.read_data_file(path, name)
    return Images(spec, torch.from_numpy(packed), labels)
