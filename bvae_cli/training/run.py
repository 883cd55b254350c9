"""A run under way: what it is at a step, and what it leaves in its folder."""

import copy
import math
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bvae_cli.checkpoint import PROGRAM, Checkpoint, load, new_vae, require_same, save
from bvae_cli.datasets import one_factor
from bvae_cli.datasets.images import Source
from bvae_cli.datasets.spec import DataSpec
from bvae_cli.encoding import encode
from bvae_cli.evaluation.decomposition import decompose
from bvae_cli.models.vae import VAE
from bvae_cli.objectives.schedule import at, values_at
from bvae_cli.params import Params
from bvae_cli.pictures.reconstruction import reconstruct
from bvae_cli.survey import Survey
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.ranks import ALONE, Ranks
from bvae_cli.system.reporting import Report, silent
from bvae_cli.training.board import Board
from bvae_cli.training.history import PARTS, History, Progress, heading
from bvae_cli.training.optimisation import Optimisation

SHOWN = 12  # of a checkpoint's examples in a picture of reconstructions


class Run:
    """A model, its optimisation, its curves, and the files of its folder."""

    def __init__(
        self,
        params: Params,
        images: Source,
        device: torch.device,
        folder: Path,
        before: Checkpoint | None,
        ranks: Ranks = ALONE,
    ) -> None:
        """Begin, or go on from where a run was before; raises what `restore` and `History` do."""
        self.params, self.spec, self.device, self.folder = params, images.spec, device, folder
        self.images, self.survey = images, Survey.of(images, params.train.seed, device)
        self.vae = new_vae(params, images.spec).to(device)
        done = before.step if before else 0
        self.optimisation = Optimisation(self.vae, images.spec, params, device, done, ranks)
        self.step, self.least, text = self.restore(before) if before else (0, math.inf, heading(params))
        batches = partial(one_factor.batches, images) if params.objective.one_factor else images.batches
        self.batches = batches(params.train.batch_size, params.train.seed, self.step)
        self.history = History(folder / "history.csv", text)
        self.board = Board(folder / "tensorboard", self.step) if params.keep.tensorboard else None
        self.best: tuple[int, VAE] | None = None  # while it is not written
        self.saved = self.step
        self.logged, self.logged_at = self.step, time.monotonic()
        self.saved_at = self.logged_at

    def restore(self, before: Checkpoint) -> tuple[int, float, str]:
        """Take up a checkpoint; its step, the least loss until then, and the lines of history.csv.

        Raises:
            BvaeError: it holds a model alone, or is damaged, or from another kind of device.
        """
        try:
            training = before.training or {}
            self.vae.load_state_dict(before.vae.state_dict())
            self.optimisation.restore(training["optimisation"])
            return before.step, float(training["least"]), str(training["history"])
        except Exception as error:  # whatever a stranger's content provokes
            raise BvaeError(
                f"{self.folder} holds nothing to go on from here: {' '.join(str(error).split())[:200]}",
                "go on where it was trained, on a processor or on a GPU; or begin anew, without --resume.",
            ) from error

    def advance(self) -> None:
        """One step.

        Raises:
            BvaeError: the loss is not finite. A GPU is not asked at each step, since the host would have to wait.
        """
        self.optimisation.step(next(self.batches), self.step)
        self.count()

    def count(self) -> None:
        """A step has been taken; raises BvaeError where the loss is not finite, as `advance` does."""
        self.step += 1
        if self.device.type == "cpu" or self.logs:
            self.require_finite()

    def require_finite(self) -> None:
        """Raise BvaeError where the loss is no number any more."""
        loss = self.optimisation.means()[0]
        if not math.isfinite(loss):
            kept = f"step {self.saved} is kept in {self.folder}" if self.saved else "nothing was saved"
            rate = self.rate
            raise BvaeError(
                f"the loss is {loss} at step {self.step}; {kept}",
                f"try a lower --learning-rate than {rate:g}, or let it rise: --learning-rate 0:0,1000:{rate:g}",
            )

    @property
    def rate(self) -> float:
        """The learning rate of the step that was taken last."""
        train = self.params.train
        return at(train.learning_rate, train.moment(self.step - 1))

    @property
    def logs(self) -> bool:
        """Whether this step ends a line of history.csv."""
        return self.step % self.params.train.log_every == 0 or self.step == self.params.train.taken

    @property
    def saves(self) -> bool:
        """Whether last.pt is due at this step."""
        keep = self.params.keep
        by_steps = keep.save_steps > 0 and self.step % keep.save_steps == 0
        return by_steps or 0 < 60 * keep.save_minutes <= time.monotonic() - self.saved_at

    @property
    def draws(self) -> bool:
        """Whether a picture is due at this step."""
        return self.passed(self.params.keep.picture_steps, self.step - 1)

    @property
    def decomposes(self) -> bool:
        """Whether the parts of the KL are due in this step's line: in the first from each so many steps on."""
        line = self.params.train.log_every
        return self.passed(self.params.train.decomposition_steps, (self.step - 1) // line * line)

    def passed(self, every: int, since: int) -> bool:
        """Whether a multiple of so many steps of the experiment came after a step of this run; never one of none."""
        moment = self.params.train.moment
        return every > 0 and moment(self.step) // every > moment(since) // every

    def parts(self) -> dict[str, float | None]:
        """The parts of the KL of all images where they are due, else nothing of each; none where they never are."""
        if not self.decomposes:
            return dict.fromkeys(PARTS) if self.params.train.decomposition_steps else {}
        train = self.params.train
        encoding = encode(self.vae, self.images, train.precision, silent)
        return {**decompose(encoding, len(self.images), train.seed, self.device, silent)[0].named()}

    def log(self) -> Progress:
        """Write a line of history.csv."""
        train, now = self.params.train, time.monotonic()
        loss, reconstruction, *kl = self.optimisation.means()
        knobs = values_at(self.params.objective, train.moment(self.step - 1))
        speed = (self.step - self.logged) * train.batch_size / (now - self.logged_at)
        progress = Progress(self.step, loss, reconstruction, kl, knobs, self.rate, speed, self.parts())
        self.optimisation.forget()
        self.history.add(progress)
        if self.board:
            self.board.add(progress)
        if loss < self.least:
            self.least = loss
            self.best = (self.step, copy.deepcopy(self.vae)) if self.params.keep.best else None
        self.logged, self.logged_at = self.step, now
        return progress

    def draw(self) -> None:
        """Draw some images above their reconstructions."""
        images = self.survey.shown[slice(SHOWN)].to(self.device)
        reconstruct(self.vae, images, self.folder / "pictures" / f"step-{self.step:07d}.png")

    def attend(self, stopping: bool) -> Progress | None:
        """Do what is due after a step: a line of history.csv, which is returned, a picture, last.pt; all may raise."""
        progress = self.log() if self.logs else None
        if self.draws:
            self.draw()
        if self.saves or stopping:
            self.save()
        return progress

    def save(self) -> None:
        """Write last.pt; raises what `write` does."""
        self.write("last.pt", silent)
        self.saved, self.saved_at = self.step, time.monotonic()

    def finish(self, report: Report) -> None:
        """Write checkpoint.pt in place of last.pt."""
        self.write("checkpoint.pt", report)
        (self.folder / "last.pt").unlink(missing_ok=True)

    def write(self, name: str, report: Report) -> None:
        """Write the best model, the run as it is now, and its curves; raises BvaeError where it is no longer finite."""
        if self.best:
            save(self.checkpoint(*self.best, None, report), self.folder / "best.pt")
            self.best = None
        training = {"optimisation": self.optimisation.state(), "least": self.least, "history": self.history.text}
        save(self.checkpoint(self.step, self.vae, training, report), self.folder / name)
        self.history.write()

    def checkpoint(self, step: int, vae: VAE, training: dict[str, Any] | None, report: Report) -> Checkpoint:
        """A model of this run, with what is to be known of its latents from a part of the images."""
        latents = self.survey.latents(vae, self.params.train.precision, report)
        return Checkpoint(step, self.params, self.spec, vae, latents, self.survey.examples, training, program=PROGRAM)


def latest(folder: Path, params: Params, spec: DataSpec) -> Checkpoint | None:
    """What a run can go on from in a folder: last.pt, else checkpoint.pt, else nothing.

    Raises:
        BvaeError: it is damaged, or of another experiment.
    """
    for path in (folder / "last.pt", folder / "checkpoint.pt"):
        if path.exists():
            checkpoint = load(path)
            require_same(checkpoint, path, params, spec)
            return checkpoint
    return None


def put_aside(folder: Path) -> None:
    """Keep an unfinished run that another one is about to replace, as previous.pt."""
    if (folder / "last.pt").exists():
        (folder / "last.pt").replace(folder / "previous.pt")
