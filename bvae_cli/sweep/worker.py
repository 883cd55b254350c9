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

from bvae_cli.checkpoint import load
from bvae_cli.datasets.images import Source
from bvae_cli.datasets.stream import stream
from bvae_cli.evaluation.evaluating import evaluate
from bvae_cli.sweep.study import Trial
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import silent
from bvae_cli.training.fitting import fit
from bvae_cli.training.history import Progress
from bvae_cli.training.together import Heard, fit_together

PAYING = 2  # threads of a process: two have more than twice the speed of one
GRACE = 60.0  # seconds in which a process that is told to end writes down what it has


@dataclass(frozen=True)
class News:
    """How a model is getting on."""

    trial: Trial
    step: int = 0  # steps done
    speed: float = 0.0  # images a second
    over: bool = False  # it is trained and scored, or it failed
    failure: str = ""


@dataclass(frozen=True)
class Place:
    """Where a process works."""

    device: torch.device
    threads: int
    data: Path  # folder of data files


def work(channel: Connection, shared: Mapping[str, Source], place: Place) -> None:
    """Take models from a channel and tell how they get on, until there are no more, or a signal or the parent's end."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(place.threads)
    if place.device.type == "cuda":
        torch.cuda.set_device(place.device)
    try:
        while trials := channel.recv():
            for news in made(trials, shared, place):
                channel.send(news)
    except (EOFError, BrokenPipeError, InterruptionError):
        return


def end_with_parent() -> None:
    """Once the parent is gone, have what is under way saved, and end."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)


def made(trials: Sequence[Trial], shared: Mapping[str, Source], place: Place) -> Iterator[News]:
    """Models of one kind, trained and scored; raises InterruptionError once it was told to stop, and has saved."""
    left, first = {trial.name: trial for trial in trials}, trials[0].params
    try:
        images = stream(place.data, first.dataset.name) if first.train.stream else shared[first.dataset.name]
        for trial, heard in trained(trials, images, place.device):
            if isinstance(heard, Progress):
                yield News(trial, heard.step, heard.images_per_second)
            elif heard:
                del left[trial.name]
                yield News(trial, over=True, failure=heard.message)
    except InterruptionError:
        raise
    except Exception as error:  # whatever it is, other models go on
        yield from (News(trial, over=True, failure=reason(error)) for trial in left.values())
    else:
        yield from (scored(trial, images, place.device) for trial in left.values())


def trained(trials: Sequence[Trial], images: Source, device: torch.device) -> Iterator[tuple[Trial, Heard]]:
    """How each model gets on: one as `fit` trains it, several in one step."""
    if len(trials) == 1:
        (trial,) = trials
        return ((trial, line) for line in fit(trial.params, images, device, trial.folder, silent, resume=True))
    members = [(trial.params, trial.folder) for trial in trials]
    return ((trials[number], heard) for number, heard in fit_together(members, images, device, silent))


def scored(trial: Trial, images: Source, device: torch.device) -> News:
    """A model that is trained, once it is scored."""
    try:
        model = load(trial.folder / "checkpoint.pt")
        evaluate(model, images, trial.params.evaluate, device, trial.folder, silent)
    except Exception as error:  # whatever it is, other models go on
        return News(trial, over=True, failure=reason(error))
    return News(trial, trial.params.train.taken, over=True)


def reason(error: Exception) -> str:
    """What is to be said of an error."""
    if isinstance(error, BvaeError):
        return error.message
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
