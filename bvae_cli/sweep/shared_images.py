"""Images that processes have in common: mapped from one file, not copied into each."""

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
    """Images in a file without a name, which is gone with the last process that has it open.

    Handed to a process that is started, it arrives there as `Images`, whose bytes are those of the file.
    """

    def __init__(self, images: Images, folder: Path) -> None:
        """Write the images down in a folder; raises OSError where there is no room."""
        self.spec, self.labels, self.shape = images.spec, images.labels, tuple(images.packed.shape)
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as this does
        images.packed.numpy().tofile(self.file)
        self.file.flush()

    def __reduce__(self) -> tuple[Any, ...]:
        return map_images, (self.spec, self.labels, self.shape, DupFd(self.file.fileno()))


def map_images(spec: DataSpec, labels: NDArray[np.int64] | None, shape: tuple[int, ...], handle: Any) -> Images:
    """The images, in the process that they were handed to."""
    with os.fdopen(handle.detach(), "rb") as file:
        packed = np.memmap(file, dtype=np.uint8, mode="c", shape=shape)
    return Images(spec, torch.from_numpy(packed), labels)


def dataset_names(batches: Iterable[Iterable[Trial]]) -> list[str]:
    """The data sets that models have in memory."""
    trials = (trial for stack in batches for trial in stack)
    return list(dict.fromkeys(trial.params.dataset.name for trial in trials if not trial.params.train.stream))


@contextmanager
def share_images(names: Iterable[str], data: Path, folder: Path) -> Iterator[dict[str, SharedImages]]:
    """Data sets, by name, in files of a folder; raises as `load_images`, and OSError without room."""
    with ExitStack() as stack:
        files = {name: SharedImages(load_images(data, name), folder) for name in names}
        for each in files.values():
            stack.enter_context(each.file)
        yield files
