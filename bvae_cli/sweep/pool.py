"""Processes that are given models, watched, and ended."""

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

POLL_SECONDS = 0.5  # seconds between looks at whether a signal came
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)  # which libraries read as they are loaded


@dataclass
class WorkerProcess:
    """A process, and the models that it is at."""

    process: SpawnProcess
    channel: Connection
    pending: dict[str, Trial] = field(default_factory=dict)

    def assign(self, trials: Sequence[Trial]) -> None:
        """Have it make models, in one step; whether it has died meanwhile is heard later."""
        self.pending = {trial.name: trial for trial in trials}
        with suppress(OSError):
            self.channel.send(trials)

    def shut_down(self) -> None:
        """Let it end, since there is nothing more to do."""
        with suppress(OSError):
            self.channel.send(None)
        self.process.join(GRACE_SECONDS)


@dataclass(frozen=True)
class LocalExecutor:
    """So many processes of this machine."""

    worker_spec: WorkerSpec
    num_workers: int

    @contextmanager
    def start(self, batches: Sequence[TrialBatch], folder: Path) -> Iterator[ProcessPool]:
        """Start them on stacks; raises what `share_images` does."""
        with share_images(dataset_names(batches), self.worker_spec.data, folder) as images:
            pool = ProcessPool(batches, self.num_workers, self.worker_spec, images)
            try:
                yield pool
            finally:
                pool.shut_down()


class ProcessPool:
    """Some processes, each at a stack of models; where one dies these have failed, and another process goes on."""

    def __init__(
        self, batches: Sequence[TrialBatch], processes: int, worker_spec: WorkerSpec, images: Mapping[str, SharedImages]
    ) -> None:
        """Start them, no more than there are stacks."""
        self.waiting, self.worker_spec, self.images = deque(batches), worker_spec, images
        self.workers = [self.start_worker() for _ in range(min(processes, len(batches)))]

    def start_worker(self) -> WorkerProcess:
        """A new process, at the next stack."""
        ours, theirs = multiprocessing.Pipe()
        arguments = (theirs, self.images, self.worker_spec)
        process = multiprocessing.get_context("spawn").Process(target=run_worker, args=arguments, daemon=True)
        with limit_threads(self.worker_spec.threads), ignore_sigint():
            process.start()
        theirs.close()  # so that the end of the process is the end of what is heard from it
        worker = WorkerProcess(process, ours)
        worker.assign(self.waiting.popleft())
        return worker

    def statuses(self, pending_signal: PendingSignal) -> Iterator[ModelStatus]:
        """What is heard of models, until all are over or a signal came."""
        while self.workers and not pending_signal():
            ready = wait([worker.channel for worker in self.workers], timeout=POLL_SECONDS)
            for worker in [worker for worker in self.workers if worker.channel in ready]:
                yield from self.receive(worker)

    def receive(self, worker: WorkerProcess) -> Iterator[ModelStatus]:
        """What a process says; one that is done with a stack, or has died over it, makes room for the next."""
        try:
            news: ModelStatus = worker.channel.recv()
        except (EOFError, OSError):
            worker.process.join(GRACE_SECONDS)
            self.workers.remove(worker)
            self.workers += [self.start_worker()] if self.waiting else []
            yield from (
                ModelStatus(trial, is_finished=True, failure=describe_exit(worker.process))
                for trial in worker.pending.values()
            )
            return
        if news.is_finished:
            del worker.pending[news.trial.name]
        if not worker.pending and self.waiting:
            worker.assign(self.waiting.popleft())
        elif not worker.pending:
            worker.shut_down()
            self.workers.remove(worker)
        yield news

    def shut_down(self) -> None:
        """Have all write down what they have, and end; those that do not within a minute are killed."""
        for worker in self.workers:
            worker.process.terminate()
        until = time.monotonic() + GRACE_SECONDS
        for worker in self.workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            worker.process.kill()
            worker.process.join()


def describe_exit(process: SpawnProcess) -> str:
    """What is to be said of a process that ended before its model was made."""
    code = process.exitcode or 0
    if code < 0:
        return f"its process was ended by signal {-code}{', perhaps for want of memory' if code == -9 else ''}"
    return "its process was told to end; what it had is saved"


@contextmanager
def limit_threads(number: int) -> Iterator[None]:
    """Processes that are started within have so many threads."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(number)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
