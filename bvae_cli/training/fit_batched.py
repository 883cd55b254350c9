"""Fitting many models in one step, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from bvae_cli.images.in_memory import ImageSource
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import lock_folder
from bvae_cli.system.interruption import defer_signals
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.reporting import ProgressCallback
from bvae_cli.training.fit import require_trainable
from bvae_cli.training.history import LogEntry
from bvae_cli.training.model_batch import ModelBatch
from bvae_cli.training.run import TrainingRun, archive_unfinished_run, find_resumable

FitEvent = LogEntry | BvaeError | None
"""How a model gets on, why it failed, or that it is done."""


def fit_batched(
    members: Sequence[tuple[Params, Path]], images: ImageSource, device: torch.device, report: ProgressCallback
) -> Iterator[tuple[int, FitEvent]]:
    """Train models of one `kind`, each to what `fit` leaves in its folder, as far as floats are exact.

    Each goes on from what its folder holds. One that fails leaves the others as they are.

    Args:
        members: the params and the folder of each.
        images: what all are trained on.
        device: where.
        report: is told of the encoding of images at the end.

    Yields:
        The number of a model in `members`, and how it gets on.

    Raises:
        InterruptionError: SIGINT or SIGTERM came; what was done is in the last.pt of each.
    """
    keep_freed_memory()
    with ExitStack() as exit_stack, defer_signals() as pending_signal:
        runs: dict[int, TrainingRun] = {}
        shared = images.to(device)
        for number, (params, folder) in enumerate(members):
            try:
                exit_stack.enter_context(lock_folder(folder))
                runs[number] = start_run(params, shared, device, folder)
            except BvaeError as error:
                yield number, error
        yield from finish_runs(runs, report)
        stack: ModelBatch | None = None
        while runs:
            if not stack or len(stack.members) > len(runs):
                stack = ModelBatch([run.trainer for run in runs.values()])
            stack.step([next(run.batches) for run in runs.values()], [run.step for run in runs.values()])
            stop = pending_signal()  # once, so that whatever is told to be saved has been
            yield from finish_steps(runs, stop is not None)
            yield from finish_runs(runs, report)
            if stop:
                raise InterruptionError(stop, "stopped; the last.pt of each model holds what it had")


def finish_steps(runs: dict[int, TrainingRun], stopping: bool) -> Iterator[tuple[int, FitEvent]]:
    """Do what is due after a step of each; those that fail are no longer among them."""
    for number, run in list(runs.items()):
        try:
            run.finish_step()
            if progress := run.on_step_end(stopping):
                yield number, progress
        except BvaeError as error:
            del runs[number]
            yield number, error


def finish_runs(runs: dict[int, TrainingRun], report: ProgressCallback) -> Iterator[tuple[int, FitEvent]]:
    """Finish those that have taken their last step; they are no longer among them."""
    for number, run in list(runs.items()):
        if run.step >= run.params.train.num_steps:
            del runs[number]
            try:
                run.finish(report)
                yield number, None
            except BvaeError as error:
                yield number, error


def start_run(params: Params, images: ImageSource, device: torch.device, folder: Path) -> TrainingRun:
    """A run at its beginning or where it was; raises what `fit` does."""
    require_trainable(params, images)
    before = find_resumable(folder, params, images.spec)
    if not before:
        archive_unfinished_run(folder)
    return TrainingRun(params, images, device, folder, before)
