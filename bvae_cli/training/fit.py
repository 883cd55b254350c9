"""Training of one model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from bvae_cli.images import pairs
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.single_factor import varying_factors
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.pair_vae import PairVAE
from bvae_cli.params import LoggingParams, Params
from bvae_cli.system.device import one_thread_per_operation
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import lock_folder
from bvae_cli.system.interruption import defer_signals
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.ranks import SINGLE_PROCESS, Ranks
from bvae_cli.system.reporting import NoticeCallback, ProgressCallback, ignore_notice
from bvae_cli.training.checkpointing import archive_unfinished_run, find_resumable
from bvae_cli.training.history import LogEntry
from bvae_cli.training.run import TrainingRun
from bvae_cli.training.sharded import is_sharded


def fit(
    params: Params,
    images: ImageSource,
    device: torch.device,
    out: Path,
    report: ProgressCallback,
    resume: bool = False,
    ranks: Ranks = SINGLE_PROCESS,
    notify: NoticeCallback = ignore_notice,
) -> Iterator[LogEntry]:
    """Train a model and yield its log entries; at the end, `out` contains checkpoint.pt and history.csv.

    During training, `out` contains last.pt. With `resume`, training continues from last.pt, with bit-identical results
    to an uninterrupted run; if there is none, from a checkpoint.pt with fewer steps; otherwise it starts at step 0.
    Processes that torchrun starts share each batch; all compute the same, and the first one writes the files.

    Raises:
        BvaeError: the objective cannot be trained on these images, the loss is not finite, `out` cannot be written or
            is in use, or its checkpoint.pt belongs to another experiment.
        InterruptionError: SIGINT or SIGTERM was received; last.pt contains all steps completed.
    """
    require_trainable(params, images)
    require_compilable(params, ranks)
    require_divisible(params, ranks)
    keep_freed_memory()
    with (
        output_folder(out, ranks) as folder,
        one_thread_per_operation() if is_sharded(params, device, ranks) else nullcontext(),
        defer_signals(once=ranks.size == 1) as pending_signal,
    ):
        checkpoint = find_resumable(out, params, images.spec, notify) if resume else None
        if not checkpoint:
            archive_unfinished_run(folder)
        run = TrainingRun(params_for_rank(params, ranks), images.to(device), device, folder, checkpoint, ranks)
        while not run.is_finished:
            with report_compile_errors(params.train.compile):
                run.train_step()
            signal = ranks.all_reduce_max(pending_signal() or 0, run.step)
            if entry := run.on_step_end(is_stopping=signal > 0):
                yield entry
            if signal:
                raise InterruptionError(signal, f"stopped at step {run.step}; it is saved in {out / 'last.pt'}")
        run.finish(report)


@contextmanager
def output_folder(out: Path, ranks: Ranks) -> Iterator[Path]:
    """Yield the folder that a process writes to: `out`, locked, for rank 0, a temporary one for all others."""
    if ranks.rank == 0:
        with lock_folder(out):
            yield out
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def params_for_rank(params: Params, ranks: Ranks) -> Params:
    """Return the params of a process; ranks other than 0 write no checkpoints or images during training."""
    return params if ranks.rank == 0 else replace(params, logging=LoggingParams(checkpoint_minutes=0))


def require_trainable(params: Params, images: ImageSource) -> None:
    """Raise BvaeError if a batch or the data set has too few images, or the model has too few latents."""
    size, minimum = params.train.batch_size, params.objective.min_batch_size
    if size < minimum:
        raise BvaeError(
            f"train.batch_size is {size}, but this objective compares the images of a batch",
            f"use --batch-size {minimum} or more.",
        )
    if len(images) < size:
        raise BvaeError(
            f"train.batch_size is {size}, but the data set has only {len(images)} images",
            f"use --batch-size {len(images)} or less.",
        )
    if isinstance(params.objective, PairVAE) and size % 2:
        raise BvaeError(
            f"train.batch_size is {size}, but this objective needs pairs of images", f"use --batch-size {size + 1}."
        )
    if isinstance(params.objective, PairVAE):
        factors = len(pairs.varying_factors(images.spec)) if params.objective.knows_changes else 0
    elif params.objective.single_factor_batches:
        factors = len(varying_factors(images.spec))
    else:
        return
    latents = params.model.latent_dim
    if latents < factors:
        raise BvaeError(
            f"model.latent_dim is {latents}, but this objective needs a latent for each of {factors} factors",
            f"use --latent-dim {factors} or more.",
        )


def require_compilable(params: Params, ranks: Ranks) -> None:
    """Raise BvaeError if the step is to be compiled but cannot be: all gradients must come from one loss."""
    if not params.train.compile:
        return
    if params.objective.auxiliary_nets(1, 1):
        name = type(params.objective).__name__
        raise BvaeError(f"train.compile is unsupported for {name}, which trains two networks", "remove --compile.")
    if ranks.size > 1:
        raise BvaeError("train.compile is unsupported under torchrun", "remove --compile.")


@contextmanager
def report_compile_errors(is_compiled: bool) -> Iterator[None]:
    """Raise BvaeError for errors of torch.compile within the block, such as a missing C++ compiler."""
    if not is_compiled:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException  # imported here, because it loads the compiler

    try:
        yield
    except TorchDynamoException as error:
        reason = " ".join(str(error).split())[:200]
        raise BvaeError(
            f"torch.compile failed: {reason}", "install a C++ compiler such as g++, or remove --compile."
        ) from error


def require_divisible(params: Params, ranks: Ranks) -> None:
    """Raise BvaeError if a batch cannot be divided over the processes, or the objective needs all of it at once."""
    size = params.train.batch_size
    if size % ranks.size:
        raise BvaeError(
            f"train.batch_size is {size}, which is not a multiple of the {ranks.size} processes",
            f"use --batch-size {ranks.size * max(1, size // ranks.size)}",
        )
    if ranks.size > 1 and type(params.objective).forward is not Objective.forward:
        raise BvaeError(
            f"the forward pass of {type(params.objective).__name__} needs the whole batch in one process",
            "train without torchrun: bvae train",
        )
