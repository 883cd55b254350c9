"""Joint training of many models in one step, each as if it were trained alone."""

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
from bvae_cli.system.reporting import ProgressCallback, ignore_notice
from bvae_cli.training.checkpointing import archive_unfinished_run, find_resumable
from bvae_cli.training.fit import require_trainable
from bvae_cli.training.history import LogEntry
from bvae_cli.training.model_batch import ModelBatch
from bvae_cli.training.run import TrainingRun

FitEvent = LogEntry | BvaeError | None
"""Progress of a model, the error that ended its training, or None when it is finished."""


def fit_batched(
    members: Sequence[tuple[Params, Path]], images: ImageSource, device: torch.device, report: ProgressCallback
) -> Iterator[tuple[int, FitEvent]]:
    """Train models of one `batching_key` jointly; each folder gets what `fit` would write, up to rounding.

    Each model resumes from the checkpoint in its folder. A model that fails does not affect the others.

    Args:
        members: the params and the folder of each model.
        images: the data set, common to all.
        device: the device to train on.
        report: progress of the final encoding.

    Yields:
        The index of a model in `members`, and an event.

    Raises:
        InterruptionError: SIGINT or SIGTERM was received; each last.pt contains all steps completed.
    """
    keep_freed_memory()
    with ExitStack() as locks, defer_signals() as pending_signal:
        runs: dict[int, TrainingRun] = {}
        device_images = images.to(device)
        for index, (params, folder) in enumerate(members):
            try:
                locks.enter_context(lock_folder(folder))
                runs[index] = start_or_resume(params, device_images, device, folder)
            except BvaeError as error:
                yield index, error
        yield from finish_runs(runs, report)
        batch: ModelBatch | None = None
        while runs:
            if not batch or len(batch.members) > len(runs):
                batch = ModelBatch([run.trainer for run in runs.values()])
            batch.step([next(run.batches) for run in runs.values()], [run.step for run in runs.values()])
            signal = pending_signal()  # read once, so that all models are saved if any is
            yield from end_steps(runs, signal is not None)
            yield from finish_runs(runs, report)
            if signal:
                raise InterruptionError(signal, "stopped; each model is saved in its last.pt")


def end_steps(runs: dict[int, TrainingRun], is_stopping: bool) -> Iterator[tuple[int, FitEvent]]:
    """Log and save after a step of each run; remove runs that fail."""
    for index, run in list(runs.items()):
        try:
            if entry := run.on_step_end(is_stopping):
                yield index, entry
        except BvaeError as error:
            del runs[index]
            yield index, error


def finish_runs(runs: dict[int, TrainingRun], report: ProgressCallback) -> Iterator[tuple[int, FitEvent]]:
    """Write the checkpoints of runs that have completed all steps, and remove these runs."""
    for index, run in list(runs.items()):
        if run.is_finished:
            del runs[index]
            try:
                run.finish(report)
                yield index, None
            except BvaeError as error:
                yield index, error


def start_or_resume(params: Params, images: ImageSource, device: torch.device, folder: Path) -> TrainingRun:
    """Return a new run, or one resumed from the checkpoint in its folder; raises the same errors as `fit`."""
    require_trainable(params, images)
    checkpoint = find_resumable(folder, params, images.spec, ignore_notice)
    if not checkpoint:
        archive_unfinished_run(folder)
    return TrainingRun(params, images, device, folder, checkpoint)
