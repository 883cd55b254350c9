"""Logging of a run: rows of history.csv, TensorBoard, and images of reconstructions."""

import time
from pathlib import Path

from bvae_cli.encoding import encode
from bvae_cli.evaluation.decomposition import decompose_kl
from bvae_cli.figures.reconstruction import draw_reconstructions
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.objectives.schedule import value_at, values_at
from bvae_cli.params import Params
from bvae_cli.probe_set import ProbeSet
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.history import KL_TERMS, History, LogEntry
from bvae_cli.training.intervals import has_crossed_interval
from bvae_cli.training.tensorboard import TensorBoardLogger
from bvae_cli.training.trainer import Trainer

LOGGED_IMAGES = 12  # of the probe set's examples in each image of reconstructions


class ProgressLog:
    """Writer of a run's log entries."""

    def __init__(
        self, params: Params, images: ImageSource, folder: Path, trainer: Trainer, history: History, step: int
    ) -> None:
        """Continue after `step`; raises BvaeError if TensorBoard is requested but not installed."""
        self.params, self.images, self.trainer, self.history = params, images, trainer, history
        self.tensorboard = TensorBoardLogger(folder / "tensorboard", step) if params.logging.tensorboard else None
        self.last_step, self.last_time = step, time.monotonic()

    def is_due(self, step: int) -> bool:
        """Return whether a row of history.csv ends with `step`."""
        train = self.params.train
        return step % train.log_every == 0 or step == train.num_steps

    def on_step_end(self, step: int) -> LogEntry | None:
        """Write and return a log entry if one is due after `step`."""
        if not self.is_due(step):
            return None
        entry = self.entry(step)
        self.trainer.reset_averages()
        self.history.add(entry)
        if self.tensorboard:
            self.tensorboard.add(entry)
        self.last_step, self.last_time = step, time.monotonic()
        return entry

    def entry(self, step: int) -> LogEntry:
        """Return the averages since the previous entry, and the values of all schedules at the last step."""
        train, now = self.params.train, time.monotonic()
        loss, reconstruction_loss, *kl = self.trainer.running_averages()
        reference_step = train.reference_step(step - 1)
        return LogEntry(
            step,
            loss,
            reconstruction_loss,
            kl,
            values_at(self.params.objective, reference_step),
            value_at(train.learning_rate, reference_step),
            images_per_second=(step - self.last_step) * train.batch_size / (now - self.last_time),
            kl_decomposition=self.kl_decomposition(step),
        )

    def kl_decomposition(self, step: int) -> dict[str, float | None]:
        """Return the KL decomposition over all images if due, None for each term otherwise; nothing if switched off."""
        train = self.params.train
        row_start = (step - 1) // train.log_every * train.log_every
        if not has_crossed_interval(train, train.kl_decomposition_every, row_start, step):
            return dict.fromkeys(KL_TERMS) if train.kl_decomposition_every else {}
        posteriors = encode(self.trainer.vae, self.images, train.precision, ignore_progress)
        terms, _ = decompose_kl(posteriors, len(self.images), train.seed, self.trainer.device, ignore_progress)
        return {**terms.as_dict()}


class ImageLog:
    """Writer of images that show examples above their reconstructions while a model is trained."""

    def __init__(self, params: Params, folder: Path, trainer: Trainer, probe_set: ProbeSet) -> None:
        self.params, self.folder, self.trainer, self.probe_set = params, folder / "reconstructions", trainer, probe_set

    def on_step_end(self, step: int) -> None:
        """Write an image if one is due after `step`."""
        if has_crossed_interval(self.params.train, self.params.logging.log_images_every, step - 1, step):
            images = self.probe_set.example_images[slice(LOGGED_IMAGES)].to(self.trainer.device)
            draw_reconstructions(self.trainer.vae, images, self.folder / f"step-{step:07d}.png")
