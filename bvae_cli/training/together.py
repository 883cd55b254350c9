"""Fitting many models in one step, each as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from bvae_cli.datasets.images import Source
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import sole
from bvae_cli.system.interruption import postponed
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.reporting import Report
from bvae_cli.training.fitting import require_enough
from bvae_cli.training.history import Progress
from bvae_cli.training.run import Run, latest, put_aside
from bvae_cli.training.stack import Stack

Heard = Progress | BvaeError | None
"""How a model gets on, why it failed, or that it is done."""


def fit_together(
    members: Sequence[tuple[Params, Path]], images: Source, device: torch.device, report: Report
) -> Iterator[tuple[int, Heard]]:
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
    with ExitStack() as held, postponed() as asked:
        runs: dict[int, Run] = {}
        shared = images.to(device)
        for number, (params, folder) in enumerate(members):
            try:
                held.enter_context(sole(folder))
                runs[number] = begun(params, shared, device, folder)
            except BvaeError as error:
                yield number, error
        yield from finished(runs, report)
        stack: Stack | None = None
        while runs:
            if not stack or len(stack.members) > len(runs):
                stack = Stack([run.optimisation for run in runs.values()])
            stack.step([next(run.batches) for run in runs.values()], [run.step for run in runs.values()])
            stop = asked()  # once, so that whatever is told to be saved has been
            yield from attended(runs, stop is not None)
            yield from finished(runs, report)
            if stop:
                raise InterruptionError(stop, "stopped; the last.pt of each model holds what it had")


def attended(runs: dict[int, Run], stopping: bool) -> Iterator[tuple[int, Heard]]:
    """Do what is due after a step of each; those that fail are no longer among them."""
    for number, run in list(runs.items()):
        try:
            run.count()
            if progress := run.attend(stopping):
                yield number, progress
        except BvaeError as error:
            del runs[number]
            yield number, error


def finished(runs: dict[int, Run], report: Report) -> Iterator[tuple[int, Heard]]:
    """Finish those that have taken their last step; they are no longer among them."""
    for number, run in list(runs.items()):
        if run.step >= run.params.train.taken:
            del runs[number]
            try:
                run.finish(report)
                yield number, None
            except BvaeError as error:
                yield number, error


def begun(params: Params, images: Source, device: torch.device, folder: Path) -> Run:
    """A run at its beginning or where it was; raises what `fit` does."""
    require_enough(params, images)
    before = latest(folder, params, images.spec)
    if not before:
        put_aside(folder)
    return Run(params, images, device, folder, before)
