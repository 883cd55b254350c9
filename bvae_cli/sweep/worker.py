"""Worker process that trains and evaluates batches of models."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.evaluation.evaluator import evaluate
from bvae_cli.evaluation.record import write_record
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.stream import open_stream
from bvae_cli.sweep.study import Trial
from bvae_cli.system.device import use_device
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit
from bvae_cli.training.fit_batched import FitEvent, fit_batched
from bvae_cli.training.history import LogEntry

THREADS_PER_WORKER = 2  # two threads are more than twice as fast as one
GRACE_SECONDS = 60.0  # time in which a process that is terminated must have saved its models
RESUME_HINT = "run the same command again to resume."


@dataclass(frozen=True)
class ModelStatus:
    """The training progress of a model."""

    trial: Trial
    step: int = 0  # completed training steps
    images_per_second: float = 0.0
    is_finished: bool = False  # it is trained and evaluated, or it failed
    failure: str = ""  # the reason, if it failed or was interrupted
    is_interrupted: bool = False  # its process was terminated, and its state is saved

    @property
    def outcome(self) -> str:
        """The outcome of a model that could not be finished, with the reason; empty for any other model."""
        return f"{'interrupted' if self.is_interrupted else 'failed'}: {self.failure}" if self.failure else ""


@dataclass(frozen=True)
class WorkerSpec:
    """Device, threads and data folder of a worker process."""

    device: torch.device
    threads: int
    data: Path  # folder of data files

    def apply(self) -> None:
        """Make this process compute on the device, with the number of threads."""
        torch.set_num_threads(self.threads)
        os.environ["OMP_NUM_THREADS"] = str(self.threads)  # read by `num_threads`
        use_device(self.device)


def run_worker(channel: Connection, shared: Mapping[str, ImageSource], worker_spec: WorkerSpec) -> None:
    """Train batches received from a channel and send back their status.

    It returns if there are no more batches, a signal arrives, or the parent exits.
    """
    threading.Thread(target=end_with_parent, daemon=True).start()
    worker_spec.apply()
    try:
        while trials := channel.recv():
            for status in train_and_score(trials, shared, worker_spec):
                channel.send(status)
    except (EOFError, BrokenPipeError, InterruptionError):
        return


def end_with_parent() -> None:
    """Wait until the parent exits, then terminate this process after its models are saved."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)


def train_and_score(
    trials: Sequence[Trial], shared: Mapping[str, ImageSource], worker_spec: WorkerSpec
) -> Iterator[ModelStatus]:
    """Train and evaluate a batch of models, yielding their status.

    Raises:
        InterruptionError: SIGINT or SIGTERM arrived; the models are saved.
    """
    remaining, first = {trial.name: trial for trial in trials}, trials[0].params
    try:
        images = open_stream(worker_spec.data, first.dataset.name) if first.train.stream else shared[first.dataset.name]
        for trial, event in train_trials(trials, images, worker_spec.device):
            if isinstance(event, LogEntry):
                yield ModelStatus(trial, event.step, event.images_per_second)
            elif event:
                del remaining[trial.name]
                yield ModelStatus(trial, is_finished=True, failure=event.message)
    except InterruptionError:
        raise
    except Exception as error:  # of any type: it must not stop other models
        yield from (ModelStatus(trial, is_finished=True, failure=describe_error(error)) for trial in remaining.values())
    else:
        yield from (score_trial(trial, images, worker_spec.device) for trial in remaining.values())


def train_trials(
    trials: Sequence[Trial], images: ImageSource, device: torch.device
) -> Iterator[tuple[Trial, FitEvent]]:
    """Return the training events of each model; several models are trained jointly by `fit_batched`."""
    if len(trials) == 1:
        (trial,) = trials
        return (
            (trial, entry) for entry in fit(trial.params, images, device, trial.folder, ignore_progress, resume=True)
        )
    members = [(trial.params, trial.folder) for trial in trials]
    return ((trials[index], event) for index, event in fit_batched(members, images, device, ignore_progress))


def score_trial(trial: Trial, images: ImageSource, device: torch.device) -> ModelStatus:
    """Evaluate a trained model and return its final status."""
    try:
        path = trial.folder / "checkpoint.pt"
        evaluate(load_checkpoint(path), images, trial.params.evaluate, device, trial.folder, ignore_progress)
        write_record(trial.folder, path, images.spec, trial.params.evaluate)
    except Exception as error:  # of any type: it must not stop other models
        return ModelStatus(trial, is_finished=True, failure=describe_error(error))
    return ModelStatus(trial, trial.params.train.num_steps, is_finished=True)


def describe_error(error: Exception) -> str:
    """Return an error as one line of text."""
    if isinstance(error, BvaeError):
        return error.message
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
