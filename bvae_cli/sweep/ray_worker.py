"""A stack of models, made on a machine of a cluster."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bvae_cli import __version__
from bvae_cli.images.in_memory import Images
from bvae_cli.images.spec import DataSpec
from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import GRACE_SECONDS, ModelStatus, WorkerSpec, train_and_score
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import wait_until_free


@dataclass(frozen=True)
class SharedArrays:
    """Images in arrays, which Ray brings to a machine once and maps there into each process."""

    spec: DataSpec
    packed: NDArray[np.uint8]  # (images, bytes)
    labels: NDArray[np.int64] | None

    @classmethod
    def from_images(cls, images: Images) -> SharedArrays:
        """Those of images, not copied."""
        return cls(images.spec, images.packed.numpy(), images.labels)

    def to_images(self) -> Images:
        """The images, not copied either."""
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # that they must not be written to
            return Images(self.spec, torch.from_numpy(self.packed), self.labels)


@dataclass(frozen=True)
class ClusterEnv:
    """Whence a study is run: all machines must see the folder at this path, and have the same bvae."""

    folder: Path
    program: str = __version__

    def require_here(self) -> None:
        """Raise BvaeError where this machine is another."""
        if self.program != __version__:
            raise BvaeError(f"{socket.gethostname()} has bvae {__version__}, not {self.program}")
        if not self.folder.is_dir():
            raise BvaeError(f"{socket.gethostname()} does not see {self.folder}")


def train_on_cluster(
    trials: Sequence[Trial],
    arrays: SharedArrays | None,
    worker_spec: WorkerSpec,
    home: ClusterEnv,
    notify: Callable[[ModelStatus], None],
) -> list[ModelStatus]:
    """Make a stack, and tell how it gets on; what is returned is how each of its models ended."""
    over = []
    home.require_here()
    torch.set_num_threads(worker_spec.threads)
    with chdir(home.folder):
        for trial in trials:
            wait_until_free(trial.folder, GRACE_SECONDS)  # of a process on a machine that is lost, until it notices
        for news in train_and_score(
            trials, {trials[0].params.dataset.name: arrays.to_images()} if arrays else {}, worker_spec
        ):
            over += [news] if news.is_finished else []
            notify(news)
    return over
