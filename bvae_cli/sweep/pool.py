"""Processes that are given models, watched, and ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from bvae_cli.sweep.crew import Stack
from bvae_cli.sweep.sharing import Shared, names_of, shared
from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import GRACE, News, Place, work
from bvae_cli.system.interruption import Asked

LOOK = 0.5  # seconds between looks at whether a signal came
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # which libraries read as they are loaded


@dataclass
class Worker:
    """A process, and the models that it is at."""

    process: SpawnProcess
    channel: Connection
    left: dict[str, Trial] = field(default_factory=dict)

    def give(self, trials: Sequence[Trial]) -> None:
        """Have it make models, in one step; whether it has died meanwhile is heard later."""
        self.left = {trial.name: trial for trial in trials}
        with suppress(OSError):
            self.channel.send(trials)

    def dismiss(self) -> None:
        """Let it end, since there is nothing more to do."""
        with suppress(OSError):
            self.channel.send(None)
        self.process.join(GRACE)


@dataclass(frozen=True)
class Processes:
    """So many processes of this machine."""

    place: Place
    number: int

    @contextmanager
    def at(self, stacks: Sequence[Stack], folder: Path) -> Iterator[Pool]:
        """Start them on stacks; raises what `shared` does."""
        with shared(names_of(stacks), self.place.data, folder) as images:
            pool = Pool(stacks, self.number, self.place, images)
            try:
                yield pool
            finally:
                pool.end()


class Pool:
    """Some processes, each at a stack of models; where one dies these have failed, and another process goes on."""

    def __init__(self, stacks: Sequence[Stack], processes: int, place: Place, images: Mapping[str, Shared]) -> None:
        """Start them, no more than there are stacks."""
        self.waiting, self.place, self.images = deque(stacks), place, images
        self.workers = [self.started() for _ in range(min(processes, len(stacks)))]

    def started(self) -> Worker:
        """A new process, at the next stack."""
        ours, theirs = multiprocessing.Pipe()
        arguments = (theirs, self.images, self.place)
        process = multiprocessing.get_context("spawn").Process(target=work, args=arguments, daemon=True)
        with threads_of(self.place.threads), deaf():
            process.start()
        theirs.close()  # so that the end of the process is the end of what is heard from it
        worker = Worker(process, ours)
        worker.give(self.waiting.popleft())
        return worker

    def news(self, asked: Asked) -> Iterator[News]:
        """What is heard of models, until all are over or a signal came."""
        while self.workers and not asked():
            ready = wait([worker.channel for worker in self.workers], timeout=LOOK)
            for worker in [worker for worker in self.workers if worker.channel in ready]:
                yield from self.heard(worker)

    def heard(self, worker: Worker) -> Iterator[News]:
        """What a process says; one that is done with a stack, or has died over it, makes room for the next."""
        try:
            news: News = worker.channel.recv()
        except (EOFError, OSError):
            worker.process.join(GRACE)
            self.workers.remove(worker)
            self.workers += [self.started()] if self.waiting else []
            yield from (News(trial, over=True, failure=end_of(worker.process)) for trial in worker.left.values())
            return
        if news.over:
            del worker.left[news.trial.name]
        if not worker.left and self.waiting:
            worker.give(self.waiting.popleft())
        elif not worker.left:
            worker.dismiss()
            self.workers.remove(worker)
        yield news

    def end(self) -> None:
        """Have all write down what they have, and end; those that do not within a minute are killed."""
        for worker in self.workers:
            worker.process.terminate()
        until = time.monotonic() + GRACE
        for worker in self.workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            worker.process.kill()
            worker.process.join()


def end_of(process: SpawnProcess) -> str:
    """What is to be said of a process that ended before its model was made."""
    code = process.exitcode or 0
    if code < 0:
        return f"its process was ended by signal {-code}{', perhaps for want of memory' if code == -9 else ''}"
    return "its process was told to end; what it had is saved"


@contextmanager
def deaf() -> Iterator[None]:
    """Processes that are started within ignore a terminal's Ctrl-C, from their first instruction; the parent obeys."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def threads_of(number: int) -> Iterator[None]:
    """Processes that are started within have so many threads."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(number)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
