"""Fitting a model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.single_factor import varying_factors
from bvae_cli.objectives.objective import Objective
from bvae_cli.params import LoggingParams, Params
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import lock_folder
from bvae_cli.system.interruption import defer_signals
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.ranks import SINGLE_PROCESS, Ranks
from bvae_cli.system.reporting import ProgressCallback
from bvae_cli.training.history import LogEntry
from bvae_cli.training.run import TrainingRun, archive_unfinished_run, find_resumable


def fit(
    params: Params,
    images: ImageSource,
    device: torch.device,
    out: Path,
    report: ProgressCallback,
    resume: bool = False,
    ranks: Ranks = SINGLE_PROCESS,
) -> Iterator[LogEntry]:
    """Train a model, saying how it goes; at the end, `out` holds checkpoint.pt and history.csv.

    On its way it leaves last.pt, from which `resume` goes on to the very bytes of a run that was never stopped; where
    there is none, it goes on from a checkpoint.pt that has fewer steps than are wanted now, or begins. Processes
    that torchrun starts share each batch; all do the same, and what the first one writes is kept.

    Raises:
        BvaeError: the objective cannot learn from these images, the loss is no longer finite, `out` cannot be written
            or is in use, or what is there to go on from is another experiment.
        InterruptionError: SIGINT or SIGTERM came; what was done is in last.pt.
    """
    require_trainable(params, images)
    require_compilable(params, ranks)
    require_divisible(params, ranks)
    keep_freed_memory()
    with output_folder(out, ranks) as folder, defer_signals(once=ranks.size == 1) as pending_signal:
        before = find_resumable(out, params, images.spec) if resume else None
        if not before:
            archive_unfinished_run(folder)
        run = TrainingRun(params_for_rank(params, ranks), images.to(device), device, folder, before, ranks)
        while run.step < params.train.num_steps:
            run.train_step()
            number = ranks.all_reduce_max(pending_signal() or 0, run.step)
            if progress := run.on_step_end(number > 0):
                yield progress
            if number:
                raise InterruptionError(number, f"stopped at step {run.step}, which {out / 'last.pt'} holds")
        run.finish(report)


@contextmanager
def output_folder(out: Path, ranks: Ranks) -> Iterator[Path]:
    """Where a process writes: the first one to `out`, which is its alone, another to where nobody looks."""
    if ranks.rank == 0:
        with lock_folder(out):
            yield out
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def params_for_rank(params: Params, ranks: Ranks) -> Params:
    """The params of a process; where nobody looks it leaves nothing on its way."""
    return params if ranks.rank == 0 else replace(params, logging=LoggingParams(checkpoint_minutes=0))


def require_trainable(params: Params, images: ImageSource) -> None:
    """Raise BvaeError where there are too few images in a batch, too few in all, or too few latents."""
    size, least = params.train.batch_size, params.objective.min_batch_size
    if size < least:
        raise BvaeError(f"train.batch_size is {size}, but this objective compares images", f"choose {least} at least.")
    if len(images) < size:
        raise BvaeError(f"train.batch_size is {size}, but there are only {len(images)} images", "choose less.")
    if params.objective.single_factor_batches and (latents := params.model.latent_dim) < len(
        factors := varying_factors(images.spec)
    ):
        raise BvaeError(
            f"model.latent_dim is {latents}, but each of {len(factors)} factors takes one for itself",
            f"choose {len(factors)} at least.",
        )


def require_compilable(params: Params, ranks: Ranks) -> None:
    """Raise BvaeError where the step is to be compiled and cannot be: its gradients must come from one loss."""
    if params.train.compile and (ranks.size > 1 or params.objective.auxiliary_nets(1, 1)):
        raise BvaeError(
            "train.compile is for a model with one loss that is trained in one process", "leave --compile out."
        )


def require_divisible(params: Params, ranks: Ranks) -> None:
    """Raise BvaeError where a batch cannot be divided over the processes, or the objective sees a part of it alone."""
    size = params.train.batch_size
    if size % ranks.size:
        raise BvaeError(
            f"train.batch_size is {size}, which {ranks.size} processes cannot share alike",
            f"choose a multiple: --batch-size {ranks.size * max(1, size // ranks.size)}",
        )
    if ranks.size > 1 and type(params.objective).forward is not Objective.forward:
        raise BvaeError(
            f"the forward pass of the objective {type(params.objective).__name__} takes a batch as a whole",
            "train it in one process: bvae train …",
        )
