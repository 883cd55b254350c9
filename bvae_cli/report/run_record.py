"""A run on disk: its checkpoint and the files next to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from bvae_cli.checkpoint import Checkpoint, load_checkpoint
from bvae_cli.evaluation.record import belongs_to
from bvae_cli.evaluation.results import read_latents, read_mutual_information, read_scores
from bvae_cli.evaluation.scoring import Scores
from bvae_cli.latents import Latent, sort_by_kl
from bvae_cli.objectives.schedule import values_at
from bvae_cli.report.animations import latent_rows, traversal_figure
from bvae_cli.report.run_files import Curves, read_curves
from bvae_cli.report.score_groups import select_groups
from bvae_cli.report.summary import summarize_run
from bvae_cli.report.templates import render

CHECKPOINT_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class RunRecord:
    """A model with the contents of the files in its run folder."""

    name: str
    path: Path  # of its checkpoint
    checkpoint: Checkpoint  # with the latent statistics of its evaluation, if there is one
    scores: Scores | None = None
    has_outdated_scores: bool = False  # whether the scores next to it are those of another checkpoint
    mutual_information: Mapping[str, list[float]] | None = None  # I(z_j; v_k)/H(v_k) of each latent, by factor
    curves: Curves | None = None

    @classmethod
    def open(cls, path: Path | str) -> RunRecord:
        """Return the run in a folder, or of a checkpoint file.

        The files next to a checkpoint are read only if it is named checkpoint.pt.

        Raises:
            BvaeError: the checkpoint is not found, or a file is corrupt or belongs to another run.
        """
        path = Path(path)
        file = path / CHECKPOINT_NAME if path.is_dir() else path
        checkpoint = load_evaluated(file)
        name = display_name(file)
        return read_run_files(name, file, checkpoint) if file.name == CHECKPOINT_NAME else cls(name, file, checkpoint)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.path.parent

    @property
    def latents(self) -> list[Latent]:
        """The latents sorted by KL, largest first; empty if the checkpoint has no latent statistics."""
        return sort_by_kl(self.checkpoint.latents)

    def traversal(self, *latents: int) -> Image.Image:
        """Return the latent traversal figure of the given latents, or of all active ones.

        Raises:
            BvaeError: a latent does not exist.
        """
        return traversal_figure(self.checkpoint, latents)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook displays: a summary, the table of latents, and the scores."""
        model = self.checkpoint
        groups = select_groups(self.scores.values if self.scores else [])
        return render("card.html", record=self, summary=summarize_run(model), rows=latent_rows(model), groups=groups)


def load_evaluated(file: Path) -> Checkpoint:
    """Return a checkpoint with the latent statistics of its evaluation on all images, if they are next to it.

    Raises:
        BvaeError: the checkpoint is not found, or a file is corrupt or belongs to another run.
    """
    checkpoint, table = load_checkpoint(file), file.parent / "latents.csv"
    if file.name != CHECKPOINT_NAME or not table.exists() or not belongs_to(file.parent, file):
        return checkpoint
    return replace(checkpoint, latents=read_latents(table, checkpoint.vae.latent_dim))


def read_run_files(name: str, file: Path, checkpoint: Checkpoint) -> RunRecord:
    """Return a run with all files of its folder; raises BvaeError if one is corrupt or belongs to another run."""
    folder, size = file.parent, checkpoint.vae.latent_dim
    hyperparameters = [*values_at(checkpoint.params.objective, 0), "learning_rate"]
    curves = None if checkpoint.imported_from else read_curves(folder / "history.csv", hyperparameters, size)
    if not belongs_to(folder, file):
        return RunRecord(name, file, checkpoint, has_outdated_scores=True, curves=curves)
    table, file_of_scores = folder / "mutual_information.csv", folder / "metrics.json"
    information = read_mutual_information(table, checkpoint.spec.factors, size) if table.exists() else None
    scores = read_scores(file_of_scores) if file_of_scores.exists() else None
    return RunRecord(name, file, checkpoint, scores, mutual_information=information, curves=curves)


def display_name(file: Path) -> str:
    """Return the name of a run: its folder, followed by the file if that is not checkpoint.pt."""
    folder = file.resolve().parent.name
    return path_text(Path(folder) if file.name == CHECKPOINT_NAME else Path(folder, file.name))


def path_text(path: Path) -> str:
    """Return a path as text; bytes that are not valid UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
