"""How long a study will take, by some steps of each kind of model."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from bvae_cli.checkpoint import build_vae
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.params import Params
from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import WorkerSpec
from bvae_cli.training.trainer import Trainer

WARMUP_STEPS, TIMED_STEPS = 2, 6  # steps


def estimate_hours(trials: Sequence[Trial], images: ImageSource, worker_spec: WorkerSpec, processes: int) -> float:
    """The hours that so many processes train models, if all get on as one alone does now; scoring comes on top."""
    torch.set_num_threads(worker_spec.threads)
    seconds: dict[str, float] = {}
    for trial in trials:
        if (kind := timing_key(trial.params)) not in seconds:
            seconds[kind] = measure_step(trial.params, images, worker_spec.device)
    total = sum(seconds[timing_key(trial.params)] * trial.params.train.num_steps for trial in trials)
    return total / min(processes, max(1, len(trials))) / 3600


def timing_key(params: Params) -> str:
    """What the time of a step depends on."""
    train = params.train
    shape = (params.model, type(params.objective).__name__, train.batch_size, train.optimizer, train.precision)
    return repr(shape)


def measure_step(params: Params, images: ImageSource, device: torch.device) -> float:
    """The time of a step, of a new model; what comes later in training may take another."""
    trainer = Trainer(build_vae(params, images.spec).to(device), images.spec, params, device)
    batches = images.batches(params.train.batch_size, params.train.seed, 0)
    for step in range(WARMUP_STEPS + TIMED_STEPS):
        if step == WARMUP_STEPS:
            begun = time.perf_counter()
        trainer.step(next(batches), step)
    trainer.running_averages()  # which waits for a GPU
    return (time.perf_counter() - begun) / TIMED_STEPS
