"""A run under way: what it is at a step, and what it leaves in its folder."""

import copy
import math
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bvae_cli.checkpoint import (
    PROGRAM,
    Checkpoint,
    build_vae,
    load_checkpoint,
    require_same_experiment,
    save_checkpoint,
)
from bvae_cli.encoding import encode
from bvae_cli.evaluation.decomposition import decompose_kl
from bvae_cli.figures.reconstruction import draw_reconstructions
from bvae_cli.images import single_factor
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.spec import DataSpec
from bvae_cli.models.vae import VAE
from bvae_cli.objectives.schedule import value_at, values_at
from bvae_cli.params import Params
from bvae_cli.probe_set import ProbeSet
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.ranks import SINGLE_PROCESS, Ranks
from bvae_cli.system.reporting import ProgressCallback, ignore_progress
from bvae_cli.training.history import KL_TERMS, History, LogEntry, csv_header
from bvae_cli.training.tensorboard import TensorBoardLogger
from bvae_cli.training.trainer import Trainer

LOGGED_IMAGES = 12  # of a checkpoint's examples in a picture of reconstructions


class TrainingRun:
    """A model, its optimisation, its curves, and the files of its folder."""

    def __init__(
        self,
        params: Params,
        images: ImageSource,
        device: torch.device,
        folder: Path,
        before: Checkpoint | None,
        ranks: Ranks = SINGLE_PROCESS,
    ) -> None:
        """Begin, or go on from where a run was before; raises what `restore` and `History` do."""
        self.params, self.spec, self.device, self.folder = params, images.spec, device, folder
        self.images, self.probe_set = images, ProbeSet.from_images(images, params.train.seed, device)
        self.vae = build_vae(params, images.spec).to(device)
        done = before.step if before else 0
        self.trainer = Trainer(self.vae, images.spec, params, device, done, ranks)
        self.step, self.best_loss, text = self.restore(before) if before else (0, math.inf, csv_header(params))
        batches = partial(single_factor.batches, images) if params.objective.single_factor_batches else images.batches
        self.batches = batches(params.train.batch_size, params.train.seed, self.step)
        self.history = History(folder / "history.csv", text)
        self.tensorboard = TensorBoardLogger(folder / "tensorboard", self.step) if params.logging.tensorboard else None
        self.unsaved_best: tuple[int, VAE] | None = None  # while it is not written
        self.last_checkpoint_step = self.step
        self.last_log_step, self.last_log_time = self.step, time.monotonic()
        self.last_checkpoint_time = self.last_log_time

    def restore(self, before: Checkpoint) -> tuple[int, float, str]:
        """Take up a checkpoint; its step, the least loss until then, and the lines of history.csv.

        Raises:
            BvaeError: it holds a model alone, or is damaged, or from another kind of device.
        """
        try:
            training = before.training or {}
            self.vae.load_state_dict(before.vae.state_dict())
            self.trainer.restore(training["trainer"])
            return before.step, float(training["best_loss"]), str(training["history"])
        except Exception as error:  # whatever a stranger's content provokes
            raise BvaeError(
                f"{self.folder} holds nothing to go on from here: {' '.join(str(error).split())[:200]}",
                "go on where it was trained, on a processor or on a GPU; or begin anew, without --resume.",
            ) from error

    def train_step(self) -> None:
        """One step.

        Raises:
            BvaeError: the loss is not finite. A GPU is not asked at each step, since the host would have to wait.
        """
        self.trainer.step(next(self.batches), self.step)
        self.finish_step()

    def finish_step(self) -> None:
        """A step has been taken; raises BvaeError where the loss is not finite, as `train_step` does."""
        self.step += 1
        if self.device.type == "cpu" or self.is_log_due:
            self.require_finite()

    def require_finite(self) -> None:
        """Raise BvaeError where the loss is no number any more."""
        loss = self.trainer.running_averages()[0]
        if not math.isfinite(loss):
            kept = (
                f"step {self.last_checkpoint_step} is kept in {self.folder}"
                if self.last_checkpoint_step
                else "nothing was saved"
            )
            rate = self.learning_rate
            raise BvaeError(
                f"the loss is {loss} at step {self.step}; {kept}",
                f"try a lower --learning-rate than {rate:g}, or let it rise: --learning-rate 0:0,1000:{rate:g}",
            )

    @property
    def learning_rate(self) -> float:
        """The learning rate of the step that was taken last."""
        train = self.params.train
        return value_at(train.learning_rate, train.reference_step(self.step - 1))

    @property
    def is_log_due(self) -> bool:
        """Whether this step ends a line of history.csv."""
        return self.step % self.params.train.log_every == 0 or self.step == self.params.train.num_steps

    @property
    def is_checkpoint_due(self) -> bool:
        """Whether last.pt is due at this step."""
        keep = self.params.logging
        by_steps = keep.checkpoint_every > 0 and self.step % keep.checkpoint_every == 0
        return by_steps or 0 < 60 * keep.checkpoint_minutes <= time.monotonic() - self.last_checkpoint_time

    @property
    def is_image_log_due(self) -> bool:
        """Whether a picture is due at this step."""
        return self.has_crossed_multiple(self.params.logging.log_images_every, self.step - 1)

    @property
    def is_kl_decomposition_due(self) -> bool:
        """Whether the parts of the KL are due in this step's line: in the first from each so many steps on."""
        line = self.params.train.log_every
        return self.has_crossed_multiple(self.params.train.kl_decomposition_every, (self.step - 1) // line * line)

    def has_crossed_multiple(self, every: int, since: int) -> bool:
        """Whether a multiple of so many steps of the experiment came after a step of this run; never one of none."""
        moment = self.params.train.reference_step
        return every > 0 and moment(self.step) // every > moment(since) // every

    def kl_decomposition(self) -> dict[str, float | None]:
        """The parts of the KL of all images where they are due, else nothing of each; none where they never are."""
        if not self.is_kl_decomposition_due:
            return dict.fromkeys(KL_TERMS) if self.params.train.kl_decomposition_every else {}
        train = self.params.train
        encoding = encode(self.vae, self.images, train.precision, ignore_progress)
        return {**decompose_kl(encoding, len(self.images), train.seed, self.device, ignore_progress)[0].as_dict()}

    def log(self) -> LogEntry:
        """Write a line of history.csv."""
        train, now = self.params.train, time.monotonic()
        loss, reconstruction, *kl = self.trainer.running_averages()
        hyperparameters = values_at(self.params.objective, train.reference_step(self.step - 1))
        speed = (self.step - self.last_log_step) * train.batch_size / (now - self.last_log_time)
        progress = LogEntry(
            self.step, loss, reconstruction, kl, hyperparameters, self.learning_rate, speed, self.kl_decomposition()
        )
        self.trainer.reset_averages()
        self.history.add(progress)
        if self.tensorboard:
            self.tensorboard.add(progress)
        if loss < self.best_loss:
            self.best_loss = loss
            self.unsaved_best = (self.step, copy.deepcopy(self.vae)) if self.params.logging.save_best else None
        self.last_log_step, self.last_log_time = self.step, now
        return progress

    def log_images(self) -> None:
        """Draw some images above their reconstructions."""
        images = self.probe_set.example_images[slice(LOGGED_IMAGES)].to(self.device)
        draw_reconstructions(self.vae, images, self.folder / "reconstructions" / f"step-{self.step:07d}.png")

    def on_step_end(self, stopping: bool) -> LogEntry | None:
        """Do what is due after a step: a line of history.csv, which is returned, a picture, last.pt; all may raise."""
        progress = self.log() if self.is_log_due else None
        if self.is_image_log_due:
            self.log_images()
        if self.is_checkpoint_due or stopping:
            self.save()
        return progress

    def save(self) -> None:
        """Write last.pt; raises what `write` does."""
        self.write("last.pt", ignore_progress)
        self.last_checkpoint_step, self.last_checkpoint_time = self.step, time.monotonic()

    def finish(self, report: ProgressCallback) -> None:
        """Write checkpoint.pt in place of last.pt."""
        self.write("checkpoint.pt", report)
        (self.folder / "last.pt").unlink(missing_ok=True)

    def write(self, name: str, report: ProgressCallback) -> None:
        """Write the best model, the run as it is now, and its curves; raises BvaeError where it is no longer finite."""
        if self.unsaved_best:
            save_checkpoint(self.checkpoint(*self.unsaved_best, None, report), self.folder / "best.pt")
            self.unsaved_best = None
        training = {"trainer": self.trainer.state(), "best_loss": self.best_loss, "history": self.history.text}
        save_checkpoint(self.checkpoint(self.step, self.vae, training, report), self.folder / name)
        self.history.write()

    def checkpoint(self, step: int, vae: VAE, training: dict[str, Any] | None, report: ProgressCallback) -> Checkpoint:
        """A model of this run, with what is to be known of its latents from a part of the images."""
        latents = self.probe_set.latent_statistics(vae, self.params.train.precision, report)
        return Checkpoint(
            step, self.params, self.spec, vae, latents, self.probe_set.examples, training, program=PROGRAM
        )


def find_resumable(folder: Path, params: Params, spec: DataSpec) -> Checkpoint | None:
    """What a run can go on from in a folder: last.pt, else checkpoint.pt, else nothing.

    Raises:
        BvaeError: it is damaged, or of another experiment.
    """
    for path in (folder / "last.pt", folder / "checkpoint.pt"):
        if path.exists():
            checkpoint = load_checkpoint(path)
            require_same_experiment(checkpoint, path, params, spec)
            return checkpoint
    return None


def archive_unfinished_run(folder: Path) -> None:
    """Keep an unfinished run that another one is about to replace, as previous.pt."""
    if (folder / "last.pt").exists():
        (folder / "last.pt").replace(folder / "previous.pt")
