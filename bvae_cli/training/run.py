"""A training run: the model, its batches, and what is logged and saved after each step."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint, build_vae
from bvae_cli.images import pairs, single_factor
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.stream import StreamedImages, prefetch
from bvae_cli.objectives.pair_vae import PairVAE
from bvae_cli.objectives.schedule import value_at
from bvae_cli.params import Params
from bvae_cli.probe_set import ProbeSet
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.ranks import SINGLE_PROCESS, Ranks
from bvae_cli.system.reporting import ProgressCallback
from bvae_cli.training.checkpointing import Checkpointer
from bvae_cli.training.history import History, LogEntry
from bvae_cli.training.progress_log import ImageLog, ProgressLog
from bvae_cli.training.trainer import Trainer


class TrainingRun:
    """A model that is trained step by step, with its logs and checkpoints in a folder."""

    def __init__(
        self,
        params: Params,
        images: ImageSource,
        device: torch.device,
        folder: Path,
        resume_from: Checkpoint | None,
        ranks: Ranks = SINGLE_PROCESS,
    ) -> None:
        """Start a new run, or resume one from a checkpoint.

        Raises:
            BvaeError: the checkpoint cannot be resumed, or the folder cannot be written to.
        """
        self.params, self.device, self.folder = params, device, folder
        self.step = resume_from.step if resume_from else 0
        probe_set = ProbeSet.from_images(images, params.train.seed, device)
        vae = build_vae(params, images.spec).to(device)
        self.trainer = Trainer(vae, images.spec, params, device, self.step, ranks)
        history = History(folder / "history.csv", params)
        self.checkpointer = Checkpointer(params, folder, self.trainer, probe_set, history)
        if resume_from:
            self.checkpointer.restore(resume_from)
        history.write()
        self.progress_log = ProgressLog(params, images, folder, self.trainer, history, self.step)
        self.image_log = ImageLog(params, folder, self.trainer, probe_set)
        self.batches = select_batches(params, images, self.step)

    @property
    def is_finished(self) -> bool:
        """Whether all steps are completed."""
        return self.step >= self.params.train.num_steps

    def train_step(self) -> None:
        """Train one step."""
        self.trainer.step(next(self.batches), self.step)

    def on_step_end(self, is_stopping: bool) -> LogEntry | None:
        """Count a step, write what is due after it, and return the log entry if there is one.

        Args:
            is_stopping: whether training stops after this step, so that last.pt is written in any case.

        Raises:
            BvaeError: the loss is not finite, or a file cannot be written. On a GPU the loss is checked only when it
                is logged, since reading it waits for all computations.
        """
        self.step += 1
        if self.device.type == "cpu" or self.progress_log.is_due(self.step):
            self.require_finite_loss()
        entry = self.progress_log.on_step_end(self.step)
        if entry:
            self.checkpointer.on_log(entry)
        self.image_log.on_step_end(self.step)
        self.checkpointer.on_step_end(self.step, is_stopping)
        return entry

    def require_finite_loss(self) -> None:
        """Raise BvaeError if the average loss is NaN or infinite."""
        loss = self.trainer.running_averages()[0]
        if math.isfinite(loss):
            return
        saved = self.checkpointer.last_step
        rate = value_at(self.params.train.learning_rate, self.params.train.reference_step(self.step - 1))
        raise BvaeError(
            f"the loss is {loss} at step {self.step}; "
            + (f"the checkpoint of step {saved} is in {self.folder}" if saved else "no checkpoint was written"),
            f"use a lower --learning-rate than {rate:g}, or a warm-up: --learning-rate 0:0,1000:{rate:g}",
        )

    def finish(self, report: ProgressCallback) -> None:
        """Write checkpoint.pt."""
        self.checkpointer.finish(self.step, report)


def select_batches(params: Params, images: ImageSource, start: int) -> Iterator[Tensor]:
    """Return the batches that an objective requires, from number `start` on.

    Batches of selected images that are streamed are read and decompressed by another thread, during the step before.
    """
    size, seed = params.train.batch_size, params.train.seed
    if isinstance(params.objective, PairVAE):
        selected = pairs.batches(images, params.objective.changes, size, seed, start)
    elif params.objective.single_factor_batches:
        selected = single_factor.batches(images, size, seed, start)
    else:
        return images.batches(size, seed, start)
    return prefetch(selected) if isinstance(images, StreamedImages) else selected
