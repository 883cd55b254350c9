"""A process that trains and scores models, one after another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's, which the parent obeys for all
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(place.threads)
    try:
        while trial := channel.recv():
            channel.send(made(trial, shared, place, channel))
    except (EOFError, BrokenPipeError, InterruptionError):
        return


def end_with_parent() -> None:
    """Once the parent is gone, have what is under way saved, and end."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)


def made(trial: Trial, shared: Mapping[str, Source], place: Place, channel: Connection) -> News:
    """A model, trained and scored; raises InterruptionError where it was told to stop, and has been saved."""
    name = trial.params.dataset.name
    try:
        images = stream(place.data, name) if trial.params.train.stream else shared[name]
        for line in fit(trial.params, images, place.device, trial.folder, silent, resume=True):
            channel.send(News(trial, line.step, line.images_per_second))
        model = load(trial.folder / "checkpoint.pt")
        evaluate(model, images, trial.params.evaluate, place.device, trial.folder, silent)
    except (InterruptionError, BrokenPipeError):
        raise
    except BvaeError as error:
        return News(trial, over=True, failure=error.message)
    except Exception as error:  # whatever it is, the others go on
        return News(trial, over=True, failure=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    return News(trial, trial.params.train.taken, over=True)
