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

from bvae_cli.datasets.images import Images, load
from bvae_cli.datasets.spec import DataSpec
from bvae_cli.sweep.study import Trial


class Shared:
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
        return mapped, (self.spec, self.labels, self.shape, DupFd(self.file.fileno()))


def mapped(spec: DataSpec, labels: NDArray[np.int64] | None, shape: tuple[int, ...], handle: Any) -> Images:
    """The images, in the process that they were handed to."""
    with os.fdopen(handle.detach(), "rb") as file:
        packed = np.memmap(file, dtype=np.uint8, mode="c", shape=shape)
    return Images(spec, torch.from_numpy(packed), labels)


def names_of(stacks: Iterable[Iterable[Trial]]) -> list[str]:
    """The data sets that models have in memory."""
    trials = (trial for stack in stacks for trial in stack)
    return list(dict.fromkeys(trial.params.dataset.name for trial in trials if not trial.params.train.stream))


@contextmanager
def shared(names: Iterable[str], data: Path, folder: Path) -> Iterator[dict[str, Shared]]:
    """Data sets, by name, in files of a folder; raises what `images.load` does, and OSError where there is no room."""
    with ExitStack() as stack:
        files = {name: Shared(load(data, name), folder) for name in names}
        for each in files.values():
            stack.enter_context(each.file)
        yield files
