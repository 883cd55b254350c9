"""Training and evaluation of a batch of models on a machine of a Ray cluster."""

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
    """Images as arrays, which Ray transfers once per machine and maps into the memory of each process."""

    spec: DataSpec
    packed: NDArray[np.uint8]  # (images, bytes)
    labels: NDArray[np.int64] | None

    @classmethod
    def from_images(cls, images: Images) -> SharedArrays:
        """Return the arrays of images without copying them."""
        return cls(images.spec, images.packed.numpy(), images.labels)

    def to_images(self) -> Images:
        """Return the arrays as images without copying them."""
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # about read-only memory
            return Images(self.spec, torch.from_numpy(self.packed), self.labels)


@dataclass(frozen=True)
class ClusterEnv:
    """Requirements on all machines of a cluster: the same shared folder and the same version of bvae."""

    folder: Path
    version: str = __version__

    def require_match(self) -> None:
        """Raise BvaeError if this machine has another version of bvae, or lacks the shared folder."""
        if self.version != __version__:
            raise BvaeError(f"{socket.gethostname()} has bvae {__version__}, not {self.version}")
        if not self.folder.is_dir():
            raise BvaeError(f"folder not found on {socket.gethostname()}: {self.folder}")


def train_on_cluster(
    trials: Sequence[Trial],
    arrays: SharedArrays | None,
    worker_spec: WorkerSpec,
    env: ClusterEnv,
    notify: Callable[[ModelStatus], None],
) -> list[ModelStatus]:
    """Train and evaluate a batch of models, calling `notify` with each status; return the final status of each model.

    Raises:
        BvaeError: this machine does not match `env`, or a run folder is in use.
    """
    results = []
    env.require_match()
    worker_spec.apply()
    with chdir(env.folder):
        for trial in trials:
            wait_until_free(trial.folder, GRACE_SECONDS)  # a lost process may still hold the lock
        for status in train_and_score(
            trials, {trials[0].params.dataset.name: arrays.to_images()} if arrays else {}, worker_spec
        ):
            results += [status] if status.is_finished else []
            notify(status)
    return results
