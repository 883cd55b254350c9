"""Images shared by worker processes: one memory-mapped file instead of a copy per process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bvae_cli.images.in_memory import Images, load_images
from bvae_cli.images.spec import DataSpec
from bvae_cli.sweep.study import Trial


class SharedImages:
    """Images in an unnamed temporary file, which is deleted when the last process closes it.

    If passed to a new process, it is unpickled there as memory-mapped `Images`.
    """

    def __init__(self, images: Images, folder: Path) -> None:
        """Write the images to a temporary file in a folder; raises OSError if the disk is full."""
        self.spec, self.labels, self.shape = images.spec, images.labels, tuple(images.packed.shape)
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it is closed by share_images
        images.packed.numpy().tofile(self.file)
        self.file.flush()

    def __reduce__(self) -> tuple[Any, ...]:
        return map_images, (self.spec, self.labels, self.shape, DupFd(self.file.fileno()))


def map_images(spec: DataSpec, labels: NDArray[np.int64] | None, shape: tuple[int, ...], handle: Any) -> Images:
    """Return the images, memory-mapped, in the process that received them."""
    with os.fdopen(handle.detach(), "rb") as file:
        packed = np.memmap(file, dtype=np.uint8, mode="c", shape=shape)
    return Images(spec, torch.from_numpy(packed), labels)


def dataset_names(batches: Iterable[Iterable[Trial]]) -> list[str]:
    """Return the names of the data sets that models load into memory; streamed ones are left out."""
    trials = (trial for batch in batches for trial in batch)
    return list(dict.fromkeys(trial.params.dataset.name for trial in trials if not trial.params.train.stream))


@contextmanager
def share_images(names: Iterable[str], data: Path, folder: Path) -> Iterator[dict[str, SharedImages]]:
    """Return data sets by name as shared files in a folder.

    Raises:
        BvaeError: a data file is not found or corrupt.
        OSError: the disk is full.
    """
    with ExitStack() as stack:
        files = {name: SharedImages(load_images(data, name), folder) for name in names}
        for each in files.values():
            stack.enter_context(each.file)
        yield files
