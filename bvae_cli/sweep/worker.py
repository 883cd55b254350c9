"""A process that trains and scores models, one after another."""

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
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.stream import open_stream
from bvae_cli.sweep.study import Trial
from bvae_cli.system.device import use_device
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit
from bvae_cli.training.fit_batched import FitEvent, fit_batched
from bvae_cli.training.history import LogEntry

THREADS_PER_WORKER = 2  # threads of a process: two have more than twice the speed of one
GRACE_SECONDS = 60.0  # seconds in which a process that is told to end writes down what it has


@dataclass(frozen=True)
class ModelStatus:
    """How a model is getting on."""

    trial: Trial
    step: int = 0  # steps done
    images_per_second: float = 0.0  # images a second
    is_finished: bool = False  # it is trained and scored, or it failed
    failure: str = ""


@dataclass(frozen=True)
class WorkerSpec:
    """Where a process works."""

    device: torch.device
    threads: int
    data: Path  # folder of data files


def run_worker(channel: Connection, shared: Mapping[str, ImageSource], worker_spec: WorkerSpec) -> None:
    """Take models from a channel and tell how they get on, until there are no more, or a signal or the parent's end."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(worker_spec.threads)
    use_device(worker_spec.device)
    try:
        while trials := channel.recv():
            for news in train_and_score(trials, shared, worker_spec):
                channel.send(news)
    except (EOFError, BrokenPipeError, InterruptionError):
        return


def end_with_parent() -> None:
    """Once the parent is gone, have what is under way saved, and end."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)


def train_and_score(
    trials: Sequence[Trial], shared: Mapping[str, ImageSource], worker_spec: WorkerSpec
) -> Iterator[ModelStatus]:
    """Models of one kind, trained and scored; raises InterruptionError once it was told to stop, and has saved."""
    left, first = {trial.name: trial for trial in trials}, trials[0].params
    try:
        images = open_stream(worker_spec.data, first.dataset.name) if first.train.stream else shared[first.dataset.name]
        for trial, received in train_trials(trials, images, worker_spec.device):
            if isinstance(received, LogEntry):
                yield ModelStatus(trial, received.step, received.images_per_second)
            elif received:
                del left[trial.name]
                yield ModelStatus(trial, is_finished=True, failure=received.message)
    except InterruptionError:
        raise
    except Exception as error:  # whatever it is, other models go on
        yield from (ModelStatus(trial, is_finished=True, failure=describe_error(error)) for trial in left.values())
    else:
        yield from (score_trial(trial, images, worker_spec.device) for trial in left.values())


def train_trials(
    trials: Sequence[Trial], images: ImageSource, device: torch.device
) -> Iterator[tuple[Trial, FitEvent]]:
    """How each model gets on: one as `fit` trains it, several in one step."""
    if len(trials) == 1:
        (trial,) = trials
        return ((trial, line) for line in fit(trial.params, images, device, trial.folder, ignore_progress, resume=True))
    members = [(trial.params, trial.folder) for trial in trials]
    return ((trials[number], received) for number, received in fit_batched(members, images, device, ignore_progress))


def score_trial(trial: Trial, images: ImageSource, device: torch.device) -> ModelStatus:
    """A model that is trained, once it is scored."""
    try:
        model = load_checkpoint(trial.folder / "checkpoint.pt")
        evaluate(model, images, trial.params.evaluate, device, trial.folder, ignore_progress)
    except Exception as error:  # whatever it is, other models go on
        return ModelStatus(trial, is_finished=True, failure=describe_error(error))
    return ModelStatus(trial, trial.params.train.num_steps, is_finished=True)


def describe_error(error: Exception) -> str:
    """What is to be said of an error."""
    if isinstance(error, BvaeError):
        return error.message
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
