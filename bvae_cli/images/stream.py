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

from bvae_cli.images import store
from bvae_cli.images.in_memory import Images
from bvae_cli.images.labels import factors_at
from bvae_cli.images.spec import UNKNOWN, DataSpec
from bvae_cli.system.errors import BvaeError

BLOCK = 32 * 2**20  # bytes of a block; two are in memory, the one in use and the next

Item = TypeVar("Item")


@dataclass(frozen=True)
class StreamedImages:
    """All images of a data file, of which a few chunks are in memory at a time."""

    spec: DataSpec
    path: Path
    chunk_size: int  # images that are read together
    labels: NDArray[np.int64] | None = None  # (images, factors), where they are no grid
    is_pinned: bool = False  # whether batches lie where a GPU can fetch them by itself

    def __len__(self) -> int:
        return self.spec.num_images

    @property
    def num_chunks(self) -> int:
        """Number of chunks, of which the last may be shorter."""
        return -(-len(self) // self.chunk_size)

    @property
    def chunks_per_block(self) -> int:
        """Number of chunks in a block."""
        return max(1, BLOCK // (self.chunk_size * self.spec.bytes_per_image))

    def to(self, device: torch.device) -> StreamedImages:
        """The same images, for a device to copy their batches from."""
        return replace(self, is_pinned=device.type == "cuda")

    def subset(self, index: NDArray[np.int64]) -> Images:
        """The images of these numbers, in this order."""
        packed = store.read_at(self.path, self.spec.name, index)
        return Images(self.spec, torch.from_numpy(packed), self.labels)

    def iter_blocks(self) -> Iterator[Images]:
        """All images in their order, a block at a time."""
        for start in range(0, self.num_chunks, self.chunks_per_block):
            chunks = range(start, min(start + self.chunks_per_block, self.num_chunks))
            yield Images(self.spec, torch.from_numpy(self.read_chunks(chunks)), self.labels)

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Batches from the `start`-th on, for ever, (size, bytes) uint8 each: see Source."""
        first, skipped = divmod(start, len(self) // size)
        for epoch in itertools.count(first):
            for rows in store.rebatch(prefetch(self.shuffled_blocks([seed, epoch], skipped * size)), size):
                if len(rows) == size:
                    batch = torch.from_numpy(rows)
                    yield batch.pin_memory() if self.is_pinned else batch
            skipped = 0

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """(images, factors): the factors of the images of these numbers."""
        return factors_at(self.spec, self.labels, index)

    def shuffled_blocks(self, seed: list[int], skipped: int) -> Iterator[NDArray[np.uint8]]:
        """An epoch without its first images, in blocks, (images, bytes) each: chunks of everywhere, shuffled."""
        random = np.random.default_rng(seed)
        chunks = random.permutation(self.num_chunks)
        for start in range(0, len(chunks), self.chunks_per_block):
            block = chunks[start : start + self.chunks_per_block]
            order = random.permutation(sum(self.chunk_length(chunk) for chunk in block))
            if skipped < len(order):
                yield self.read_chunks(block)[order[skipped:]]
            skipped = max(0, skipped - len(order))

    def chunk_length(self, chunk: int) -> int:
        """Number of images in a chunk."""
        return min(self.chunk_size, len(self) - chunk * self.chunk_size)

    def read_chunks(self, chunks: Iterable[int]) -> NDArray[np.uint8]:
        """The images of some chunks, (images, bytes)."""
        return store.read_chunks(self.path, self.spec.name, chunks)


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """The items, each made by a thread while the one before is used."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item


def open_stream(folder: Path, name: str) -> StreamedImages:
    """The images of a data set, left in its data file in a folder.

    Raises:
        BvaeError: it is unknown what data it is, or whatever `store.open_data_file` raises.
    """
    if name == UNKNOWN:
        raise BvaeError(
            "the data that this model was trained on is none that bvae has",
            "traverse and reconstruct take your own: --image FILE.",
        )
    path = folder / f"{name}.h5"
    with store.open_data_file(path, name) as content:
        return StreamedImages(content.spec, path, content.images.chunks[0], content.labels)
