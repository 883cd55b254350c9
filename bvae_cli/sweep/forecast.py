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
from bvae_cli.system.device import WARMUP_CALLS, one_thread_per_operation
from bvae_cli.system.reporting import ProgressCallback
from bvae_cli.training.fit import require_trainable
from bvae_cli.training.trainer import Trainer

WARMUP_STEPS, TIMED_STEPS = WARMUP_CALLS + 1, 6  # on a GPU, the step after the warm-up calls is captured


def estimate_hours(
    trials: Sequence[Trial], images: ImageSource, worker_spec: WorkerSpec, num_workers: int, report: ProgressCallback
) -> float:
    """Return the estimated training time in hours, without evaluation.

    It is assumed that each of the workers is as fast as one worker alone.

    Raises:
        BvaeError: a model cannot be trained on these images, for example because they are fewer than a batch.
    """
    torch.set_num_threads(worker_spec.threads)
    seconds: dict[str, float] = {}
    representatives = {timing_key(trial.params): trial.params for trial in trials}
    for done, (key, params) in enumerate(representatives.items(), start=1):
        require_trainable(params, images)
        seconds[key] = measure_step(params, images, worker_spec.device)
        report(f"timing training steps on {images.spec.name}", done, len(representatives))
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
    with one_thread_per_operation():
        for step in range(WARMUP_STEPS + TIMED_STEPS):
            if step == WARMUP_STEPS:
                trainer.running_averages()  # synchronises with the GPU
                start = time.perf_counter()
            trainer.step(next(batches), step)
    trainer.running_averages()  # synchronises with the GPU
    return (time.perf_counter() - start) / TIMED_STEPS
