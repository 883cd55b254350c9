"""Images that stay on disk and are read ahead of training in shuffled blocks."""

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

BLOCK_BYTES = 32 * 2**20  # two blocks are in memory: the current one and the next

Item = TypeVar("Item")


@dataclass(frozen=True)
class StreamedImages:
    """All images of a data file, with only a few chunks in memory at a time."""

    spec: DataSpec
    path: Path
    chunk_size: int  # images per chunk
    labels: NDArray[np.int64] | None = None  # (images, factors); None for a full grid
    is_pinned: bool = False  # whether batches are in pinned memory, for asynchronous copies to a GPU

    def __len__(self) -> int:
        return self.spec.num_images

    @property
    def num_chunks(self) -> int:
        """Return the number of chunks; the last one may be shorter."""
        return -(-len(self) // self.chunk_size)

    @property
    def chunks_per_block(self) -> int:
        """Return the number of chunks per block."""
        return max(1, BLOCK_BYTES // (self.chunk_size * self.spec.bytes_per_image))

    def to(self, device: torch.device) -> StreamedImages:
        """Return the same images, with batches in pinned memory if the device is a GPU."""
        return replace(self, is_pinned=device.type == "cuda")

    def subset(self, index: NDArray[np.int64]) -> Images:
        """Return the images at these indices, in this order, in memory."""
        packed = store.read_at(self.path, self.spec.name, index)
        return Images(self.spec, torch.from_numpy(packed), self.labels)

    def iter_blocks(self) -> Iterator[Images]:
        """Yield all images in order, one block at a time."""
        for start in range(0, self.num_chunks, self.chunks_per_block):
            chunks = range(start, min(start + self.chunks_per_block, self.num_chunks))
            yield Images(self.spec, torch.from_numpy(self.read_chunks(chunks)), self.labels)

    def batches(self, size: int, seed: int, start: int) -> Iterator[Tensor]:
        """Yield batches from number `start` on, without end, each (size, bytes) uint8; see ImageSource."""
        first_epoch, skipped = divmod(start, len(self) // size)
        for epoch in itertools.count(first_epoch):
            for rows in store.rebatch(prefetch(self.shuffled_blocks([seed, epoch], skipped * size)), size):
                if len(rows) == size:
                    batch = torch.from_numpy(rows)
                    yield batch.pin_memory() if self.is_pinned else batch
            skipped = 0

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the factors, (images, factors), of the images at these indices."""
        return factors_at(self.spec, self.labels, index)

    def shuffled_blocks(self, seed: list[int], skipped: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the images of an epoch after the first `skipped`, in blocks of random chunks, (images, bytes).

        Chunks are shuffled over the whole file, and images within a block.
        """
        rng = np.random.default_rng(seed)
        chunks = rng.permutation(self.num_chunks)
        for start in range(0, len(chunks), self.chunks_per_block):
            block = chunks[start : start + self.chunks_per_block]
            order = rng.permutation(sum(self.chunk_length(chunk) for chunk in block))
            if skipped < len(order):
                yield self.read_chunks(block)[order[skipped:]]
            skipped = max(0, skipped - len(order))

    def chunk_length(self, chunk: int) -> int:
        """Return the number of images in a chunk."""
        return min(self.chunk_size, len(self) - chunk * self.chunk_size)

    def read_chunks(self, chunks: Iterable[int]) -> NDArray[np.uint8]:
        """Return the images of these chunks, (images, bytes)."""
        return store.read_chunks(self.path, self.spec.name, chunks)


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, computing each in a background thread while its predecessor is used."""
    with ThreadPoolExecutor(1) as thread:
        pending = thread.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = thread.submit(next, items, None)
            yield item


def open_stream(folder: Path, name: str) -> StreamedImages:
    """Return the images of a data set, to be read from its data file in a folder.

    Raises:
        BvaeError: the data set of the model is unknown, or any error that `store.open_data_file` raises.
    """
    if name == UNKNOWN:
        raise BvaeError(
            "the data set of this model is unknown",
            "use your own images: traverse and reconstruct accept --image FILE.",
        )
    path = folder / f"{name}.h5"
    with store.open_data_file(path, name) as content:
        return StreamedImages(content.spec, path, content.images.chunks[0], content.labels)
