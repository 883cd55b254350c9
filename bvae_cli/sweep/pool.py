"""Pool of local worker processes that train and evaluate the models of a study."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from bvae_cli.sweep.executor import TrialBatch
from bvae_cli.sweep.shared_images import SharedImages, dataset_names, share_images
from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import GRACE_SECONDS, ModelStatus, WorkerSpec, run_worker
from bvae_cli.system.interruption import PendingSignal, ignore_sigint
from bvae_cli.system.parallel import THREAD_VARIABLES

POLL_SECONDS = 0.5  # interval between checks for a signal


@dataclass
class WorkerProcess:
    """A process and the models assigned to it."""

    process: SpawnProcess
    channel: Connection
    pending: dict[str, Trial] = field(default_factory=dict)

    def assign(self, trials: Sequence[Trial]) -> None:
        """Send a batch of models to the process; if it has exited, `ProcessPool.receive` notices that later."""
        self.pending = {trial.name: trial for trial in trials}
        with suppress(OSError):
            self.channel.send(trials)

    def shut_down(self) -> None:
        """Let the process exit because there are no more models."""
        with suppress(OSError):
            self.channel.send(None)
        self.process.join(GRACE_SECONDS)


@dataclass(frozen=True)
class LocalExecutor:
    """An executor with worker processes on this machine."""

    worker_spec: WorkerSpec
    num_workers: int

    @contextmanager
    def start(self, batches: Sequence[TrialBatch], folder: Path) -> Iterator[ProcessPool]:
        """Start worker processes; raises the exceptions of `share_images`."""
        with share_images(dataset_names(batches), self.worker_spec.data, folder) as images:
            pool = ProcessPool(batches, self.num_workers, self.worker_spec, images)
            try:
                yield pool
            finally:
                pool.shut_down()


class ProcessPool:
    """Worker processes with one batch of models each.

    If a process exits unexpectedly, its models fail, and a new process takes the next batch.
    """

    def __init__(
        self,
        batches: Sequence[TrialBatch],
        num_workers: int,
        worker_spec: WorkerSpec,
        images: Mapping[str, SharedImages],
    ) -> None:
        """Start the processes, at most one per batch."""
        self.waiting, self.worker_spec, self.images = deque(batches), worker_spec, images
        self.workers = [self.start_worker() for _ in range(min(num_workers, len(batches)))]

    def start_worker(self) -> WorkerProcess:
        """Start a process with the next batch."""
        parent_end, child_end = multiprocessing.Pipe()
        arguments = (child_end, self.images, self.worker_spec)
        process = multiprocessing.get_context("spawn").Process(target=run_worker, args=arguments, daemon=True)
        with limit_threads(self.worker_spec.threads), ignore_sigint():
            process.start()
        child_end.close()  # so that the parent reads EOF when the process exits
        worker = WorkerProcess(process, parent_end)
        worker.assign(self.waiting.popleft())
        return worker

    def statuses(self, pending_signal: PendingSignal) -> Iterator[ModelStatus]:
        """Yield the status of models until all are finished or a signal arrived."""
        while self.workers and not pending_signal():
            ready = wait([worker.channel for worker in self.workers], timeout=POLL_SECONDS)
            for worker in [worker for worker in self.workers if worker.channel in ready]:
                yield from self.receive(worker)

    def receive(self, worker: WorkerProcess) -> Iterator[ModelStatus]:
        """Yield the next status from a process, and assign the next batch if it has finished its batch or exited."""
        try:
            status: ModelStatus = worker.channel.recv()
        except (EOFError, OSError):
            worker.process.join(GRACE_SECONDS)
            self.workers.remove(worker)
            self.workers += [self.start_worker()] if self.waiting else []
            reason, is_saved = describe_exit(worker.process), (worker.process.exitcode or 0) >= 0
            for trial in worker.pending.values():
                yield ModelStatus(trial, is_finished=True, failure=reason, is_interrupted=is_saved)
            return
        if status.is_finished:
            del worker.pending[status.trial.name]
        if not worker.pending and self.waiting:
            worker.assign(self.waiting.popleft())
        elif not worker.pending:
            worker.shut_down()
            self.workers.remove(worker)
        yield status

    def shut_down(self) -> None:
        """Have all processes save their models and exit; kill those that have not exited after GRACE_SECONDS."""
        for worker in self.workers:
            worker.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in self.workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.process.kill()
            worker.process.join()


def describe_exit(process: SpawnProcess) -> str:
    """Return the reason why a process exited before its models were finished."""
    code = process.exitcode or 0
    if code < 0:
        return f"its process was killed by signal {-code}{' (possibly out of memory)' if code == -9 else ''}"
    return "its process was terminated; its state is saved"


@contextmanager
def limit_threads(number: int) -> Iterator[None]:
    """Limit the number of threads of processes that are started within the context."""
    previous = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(number)))
    try:
        yield
    finally:
        for name, value in previous.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
