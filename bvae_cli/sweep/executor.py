"""Protocols of the executors that train and evaluate the models of a study."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import ModelStatus, WorkerSpec
from bvae_cli.system.interruption import PendingSignal

TrialBatch = Sequence[Trial]
"""Models with equal architecture and batch size, trained jointly."""


class WorkerPool(Protocol):
    """Running workers."""

    def statuses(self, pending_signal: PendingSignal) -> Iterator[ModelStatus]:
        """Yield the status of models until all are finished or a signal arrived; each model finishes exactly once."""


class Executor(Protocol):
    """A factory of worker pools."""

    @property
    def worker_spec(self) -> WorkerSpec:
        """Device, threads and data folder of each worker."""

    @property
    def num_workers(self) -> int:
        """Number of batches of models trained at the same time."""

    def start(self, batches: Sequence[TrialBatch], folder: Path) -> AbstractContextManager[WorkerPool]:
        """Return a context in which workers train batches; on exit they have saved checkpoints and terminated."""
