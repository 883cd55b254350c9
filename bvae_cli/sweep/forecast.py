"""How long a study will take, by some steps of each kind of model."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from bvae_cli.checkpoint import new_vae
from bvae_cli.datasets.images import Source
from bvae_cli.params import Params
from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import Place
from bvae_cli.training.optimisation import Optimisation

UNTIMED, TIMED = 2, 6  # steps


def hours(trials: Sequence[Trial], images: Source, place: Place, processes: int) -> float:
    """The hours that so many processes train models, if all get on as one alone does now; scoring comes on top."""
    torch.set_num_threads(place.threads)
    seconds: dict[str, float] = {}
    for trial in trials:
        if (kind := kind_of(trial.params)) not in seconds:
            seconds[kind] = seconds_a_step(trial.params, images, place.device)
    total = sum(seconds[kind_of(trial.params)] * trial.params.train.taken for trial in trials)
    return total / min(processes, max(1, len(trials))) / 3600


def kind_of(params: Params) -> str:
    """What the time of a step depends on."""
    train = params.train
    shape = (params.model, type(params.objective).__name__, train.batch_size, train.optimizer, train.precision)
    return repr(shape)


def seconds_a_step(params: Params, images: Source, device: torch.device) -> float:
    """The time of a step, of a new model; what comes later in training may take another."""
    optimisation = Optimisation(new_vae(params, images.spec).to(device), images.spec, params, device)
    batches = images.batches(params.train.batch_size, params.train.seed, 0)
    for step in range(UNTIMED + TIMED):
        if step == UNTIMED:
            begun = time.perf_counter()
        optimisation.step(next(batches), step)
    optimisation.means()  # which waits for a GPU
    return (time.perf_counter() - begun) / TIMED
