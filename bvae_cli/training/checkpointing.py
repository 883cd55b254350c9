"""The checkpoints of a run: last.pt while it trains, best.pt of the lowest loss, checkpoint.pt at its end."""

import copy
import math
import time
from pathlib import Path
from typing import Any

from bvae_cli.checkpoint import PROGRAM, Checkpoint, load_checkpoint, require_same_experiment, save_checkpoint
from bvae_cli.images.spec import DataSpec
from bvae_cli.models.vae import VAE
from bvae_cli.params import Params
from bvae_cli.probe_set import ProbeSet
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import NoticeCallback, ProgressCallback, ignore_progress
from bvae_cli.training.history import History, LogEntry
from bvae_cli.training.trainer import Trainer

PREVIOUS = "previous.pt"  # name of the last.pt of a run that is not resumed


class Checkpointer:
    """Writer and reader of a run's checkpoints, at regular intervals, on a signal, and at the end."""

    def __init__(self, params: Params, folder: Path, trainer: Trainer, probe_set: ProbeSet, history: History) -> None:
        """Write to `folder` what `trainer`, `history` and the latents of the probe set are at that time."""
        self.params, self.folder = params, folder
        self.trainer, self.probe_set, self.history = trainer, probe_set, history
        self.best_loss = math.inf
        self.best_hyperparameters: dict[str, float] = {}  # of the objective whose loss is the lowest
        self.unsaved_best: tuple[int, VAE] | None = None
        self.last_step, self.last_time = 0, time.monotonic()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the trainer, the history and the lowest loss from a checkpoint.

        Raises:
            BvaeError: the checkpoint has no training state, is corrupt, or was trained on another kind of device.
        """
        try:
            training = checkpoint.training or {}
            self.trainer.vae.load_state_dict(checkpoint.vae.state_dict())
            self.trainer.restore(training["trainer"])
            self.best_loss, self.last_step = float(training["best_loss"]), checkpoint.step
            self.best_hyperparameters = training.get("best_hyperparameters", {})
            self.history.restore(str(training["history"]))
        except Exception as error:  # a file of unknown origin may raise anything
            raise BvaeError(
                f"cannot resume the run in {self.folder}: {' '.join(str(error).split())[:200]}",
                "resume on the kind of device it was trained on (CPU or GPU), or start again without --resume.",
            ) from error

    def on_log(self, entry: LogEntry) -> None:
        """Keep a copy of the model if its loss is the lowest so far and `save_best` is set.

        Losses are comparable only for equal hyperparameters: when a scheduled β changes, the search starts again.
        """
        if entry.loss < self.best_loss or entry.hyperparameters != self.best_hyperparameters:
            self.best_loss, self.best_hyperparameters = entry.loss, entry.hyperparameters
            if self.params.logging.save_best:
                self.unsaved_best = entry.step, copy.deepcopy(self.trainer.vae)

    def on_step_end(self, step: int, is_stopping: bool) -> None:
        """Write last.pt if it is due after `step`, or if training is about to stop."""
        if is_stopping or self.is_due(step):
            self.write("last.pt", step, ignore_progress)
            self.last_step, self.last_time = step, time.monotonic()

    def is_due(self, step: int) -> bool:
        """Return whether last.pt is due after `step`, by its interval in steps or in minutes."""
        logging = self.params.logging
        is_due_by_steps = logging.checkpoint_every > 0 and step % logging.checkpoint_every == 0
        return is_due_by_steps or 0 < 60 * logging.checkpoint_minutes <= time.monotonic() - self.last_time

    def finish(self, step: int, report: ProgressCallback) -> None:
        """Write checkpoint.pt and delete last.pt."""
        self.write("checkpoint.pt", step, report)
        (self.folder / "last.pt").unlink(missing_ok=True)

    def write(self, name: str, step: int, report: ProgressCallback) -> None:
        """Write best.pt if there is a new one, the checkpoint `name` and history.csv.

        Raises:
            BvaeError: a file cannot be written, or the latents are no longer finite.
        """
        if self.unsaved_best:
            save_checkpoint(self.checkpoint(*self.unsaved_best, None, report), self.folder / "best.pt")
            self.unsaved_best = None
        training = {
            "trainer": self.trainer.state(),
            "best_loss": self.best_loss,
            "best_hyperparameters": self.best_hyperparameters,
            "history": self.history.text,
        }
        save_checkpoint(self.checkpoint(step, self.trainer.vae, training, report), self.folder / name)
        self.history.write()

    def checkpoint(self, step: int, vae: VAE, training: dict[str, Any] | None, report: ProgressCallback) -> Checkpoint:
        """Return a checkpoint of a model, with the statistics of its latents on the probe set."""
        latents = self.probe_set.latent_statistics(vae, report)
        examples = self.probe_set.examples
        return Checkpoint(step, self.params, self.trainer.data, vae, latents, examples, training, program=PROGRAM)


def find_resumable(folder: Path, params: Params, spec: DataSpec, notify: NoticeCallback) -> Checkpoint | None:
    """Return the checkpoint to resume from: last.pt, else checkpoint.pt, else None.

    An unfinished run of another experiment is not resumed: a stage of DVC whose parameters changed starts again. It is
    reported, and kept as previous.pt. A finished one must not be overwritten.

    Raises:
        BvaeError: the checkpoint is corrupt, or checkpoint.pt belongs to another experiment.
    """
    path = folder / "last.pt"
    if path.exists():
        checkpoint = load_checkpoint(path)
        try:
            require_same_experiment(checkpoint, path, params, spec)
        except BvaeError as error:
            notify(f"{error.message}: it is moved to {folder / PREVIOUS}, and training starts again.")
            archive_unfinished_run(folder)
        else:
            return checkpoint
    path = folder / "checkpoint.pt"
    if not path.exists():
        return None
    checkpoint = load_checkpoint(path)
    require_same_experiment(checkpoint, path, params, spec)
    return checkpoint


def archive_unfinished_run(folder: Path) -> None:
    """Rename the last.pt of an unfinished run to previous.pt, so that a new run does not overwrite it."""
    if (folder / "last.pt").exists():
        (folder / "last.pt").replace(folder / PREVIOUS)
