"""Who makes the models of a study."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import ModelStatus, WorkerSpec
from bvae_cli.system.interruption import PendingSignal

TrialBatch = Sequence[Trial]
"""Models of one kind, which are trained in one step."""


class WorkerPool(Protocol):
    """Those who are at some stacks."""

    def statuses(self, pending_signal: PendingSignal) -> Iterator[ModelStatus]:
        """What is heard of models, until all are over or a signal came; each is over once."""


class Executor(Protocol):
    """Makers to be had."""

    @property
    def worker_spec(self) -> WorkerSpec:
        """Where each of them works."""

    @property
    def num_workers(self) -> int:
        """How many stacks are made at a time."""

    def start(self, batches: Sequence[TrialBatch], folder: Path) -> AbstractContextManager[WorkerPool]:
        """Have them make stacks of a study in a folder; at the end of the context they have saved and ended."""
