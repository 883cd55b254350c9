"""Estimate of the training time of a study from a few timed steps per architecture."""

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

WARMUP_STEPS, TIMED_STEPS = 2, 6


def estimate_hours(trials: Sequence[Trial], images: ImageSource, worker_spec: WorkerSpec, num_workers: int) -> float:
    """Return the estimated training time in hours, without evaluation.

    It is assumed that each of the workers is as fast as one worker alone.
    """
    torch.set_num_threads(worker_spec.threads)
    seconds: dict[str, float] = {}
    for trial in trials:
        if (key := timing_key(trial.params)) not in seconds:
            seconds[key] = measure_step(trial.params, images, worker_spec.device)
    total = sum(seconds[timing_key(trial.params)] * trial.params.train.num_steps for trial in trials)
    return total / min(num_workers, max(1, len(trials))) / 3600


def timing_key(params: Params) -> str:
    """Return a key of the parameters that the duration of a step depends on."""
    train = params.train
    key = (params.model, type(params.objective).__name__, train.batch_size, train.optimizer, train.precision)
    return repr(key)


def measure_step(params: Params, images: ImageSource, device: torch.device) -> float:
    """Return the duration of a training step of a new model in seconds; later steps may take longer or shorter."""
    trainer = Trainer(build_vae(params, images.spec).to(device), images.spec, params, device)
    batches = images.batches(params.train.batch_size, params.train.seed, 0)
    for step in range(WARMUP_STEPS + TIMED_STEPS):
        if step == WARMUP_STEPS:
            start = time.perf_counter()
        trainer.step(next(batches), step)
    trainer.running_averages()  # synchronises with the GPU
    return (time.perf_counter() - start) / TIMED_STEPS
