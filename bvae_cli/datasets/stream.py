"""Pictures that stay on the disk: read ahead of training, in shuffled blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.datasets import store
from bvae_cli.datasets.images import Images
from bvae_cli.datasets.labels import factors_of
from bvae_cli.datasets.spec import UNKNOWN, DataSpec
from bvae_cli.system.errors import BvaeError

BLOCK = 32 * 2**20  # bytes of a block; two are in memory, the one in use and the next

Item = TypeVar("Item")


@dataclass(frozen=True)
class Stream:
    """All images of a data file, of which a few chunks are in memory at a time."""

    spec: DataSpec
    path: Path
    chunk: int  # images that are read together
    labels: NDArray[np.int64] | None = None  # (images, factors), where they are no grid
    pinned: bool = False  # whether batches lie where a GPU can fetch them by itself

    def __len__(self) -> int:
        return self.spec.count

    @property
    def chunks(self) -> int:
        """Number of chunks, of which the last may be shorter."""
        return -(-len(self) // self.chunk)

    @property
    def together(self) -> int:
        """Number of chunks in a block."""
        return max(1, BLOCK // (self.chunk * self.spec.width))

    def to(self, device: torch.device) -> Stream:
        """The same images, for a device to copy their batches from."""
        return replace(self, pinned=device.type == "cuda")

    def at(self, index: NDArray[np.int64]) -> Images:
        """The images of these numbers, in this order."""
        packed = store.read_at(self.path, self.spec.name, index)
        return Images(self.spec, torch.from_numpy(packed), self.labels)

    def parts(self) -> Iterator[Images]:
        """All images in their order, a block at a time."""
        for start in range(0, self.chunks, self.together):
            chunks = range(start, min(start + self.together, self.chunks))
            yield Images(self.spec, torch.from_numpy(self.read(chunks)), self.labels)

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Batches from the `start`-th on, for ever, (size, bytes) uint8 each: see Source."""
        first, skipped = divmod(start, len(self) // size)
        for epoch in itertools.count(first):
            for rows in store.cut(ahead(self.blocks([seed, epoch], skipped * size)), size):
                if len(rows) == size:
                    batch = torch.from_numpy(rows)
                    yield batch.pin_memory() if self.pinned else batch
            skipped = 0

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """(images, factors): the factors of the images of these numbers."""
        return factors_of(self.spec, self.labels, index)

    def blocks(self, seed: list[int], skipped: int) -> Iterator[NDArray[np.uint8]]:
        """An epoch without its first images, in blocks, (images, bytes) each: chunks of everywhere, shuffled."""
        random = np.random.default_rng(seed)
        chunks = random.permutation(self.chunks)
        for start in range(0, len(chunks), self.together):
            block = chunks[start : start + self.together]
            order = random.permutation(sum(self.size(chunk) for chunk in block))
            if skipped < len(order):
                yield self.read(block)[order[skipped:]]
            skipped = max(0, skipped - len(order))

    def size(self, chunk: int) -> int:
        """Number of images in a chunk."""
        return min(self.chunk, len(self) - chunk * self.chunk)

    def read(self, chunks: Iterable[int]) -> NDArray[np.uint8]:
        """The images of some chunks, (images, bytes)."""
        return store.read_chunks(self.path, self.spec.name, chunks)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items, each made by a thread while the one before is used."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item


def stream(folder: Path, name: str) -> Stream:
    """The images of a data set, left in its data file in a folder.

    Raises:
        BvaeError: it is unknown what data it is, or whatever `store.opened` raises.
    """
    if name == UNKNOWN:
        raise BvaeError(
            "the data that this model was trained on is none that bvae has",
            "traverse and reconstruct take your own: --picture FILE.",
        )
    path = folder / f"{name}.h5"
    with store.opened(path, name) as content:
        return Stream(content.spec, path, content.images.chunks[0], content.labels)
