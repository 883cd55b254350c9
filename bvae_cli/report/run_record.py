"""A run as it lies on the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from bvae_cli.checkpoint import Checkpoint, load_checkpoint
from bvae_cli.evaluation.scoring import Scores
from bvae_cli.images.spec import DataSpec
from bvae_cli.latents import Latent, sort_by_kl
from bvae_cli.objectives.schedule import values_at
from bvae_cli.report.animations import latent_rows, traversal_figure
from bvae_cli.report.run_files import (
    Curves,
    read_curves,
    read_latents,
    read_mutual_information,
    read_scores,
    validate_latents,
    wrap_read_errors,
)
from bvae_cli.report.score_groups import select_groups
from bvae_cli.report.summary import summarize_run
from bvae_cli.report.templates import render

CHECKPOINT_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class RunRecord:
    """A model, and what was written beside it."""

    name: str
    path: Path  # of its checkpoint
    checkpoint: Checkpoint  # with the latents as they were evaluated last
    scores: Scores | None = None
    mutual_information: Mapping[str, list[float]] | None = (
        None  # of each factor the share that each latent, by number, tells
    )
    curves: Curves | None = None

    @classmethod
    def open(cls, path: Path | str) -> RunRecord:
        """The run in a folder, or a checkpoint; of one that is not named checkpoint.pt nothing beside it is read.

        Raises:
            BvaeError: there is no checkpoint, or a file is damaged or of another run.
        """
        path = Path(path)
        file = path / CHECKPOINT_NAME if path.is_dir() else path
        checkpoint = validate_checkpoint(load_checkpoint(file), file)
        name = display_name(file)
        return read_run_files(name, file, checkpoint) if file.name == CHECKPOINT_NAME else cls(name, file, checkpoint)

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.path.parent

    @property
    def latents(self) -> list[Latent]:
        """From the most telling to the least; none where nothing is known of them."""
        return sort_by_kl(self.checkpoint.latents)

    def traversal(self, *latents: int) -> Image.Image:
        """A figure of what latents do, those of these numbers or all that are used.

        Raises:
            BvaeError: there is no such latent.
        """
        return traversal_figure(self.checkpoint, latents)

    def _repr_html_(self) -> str:
        """What a notebook shows: the run in two sentences, which latent is which, and the scores."""
        model = self.checkpoint
        groups = select_groups(self.scores.values if self.scores else [])
        return render("card.html", record=self, summary=summarize_run(model), rows=latent_rows(model), groups=groups)


def read_run_files(name: str, file: Path, checkpoint: Checkpoint) -> RunRecord:
    """A run with all that lies in its folder; raises BvaeError where a file is damaged or of another run."""
    folder, size = file.parent, checkpoint.vae.latent_dim
    latents = read_latents(folder / "latents.csv", size) or checkpoint.latents
    hyperparameters = [*values_at(checkpoint.params.objective, 0), "learning_rate"]
    return RunRecord(
        name,
        file,
        replace(checkpoint, latents=latents),
        read_scores(folder / "metrics.json"),
        read_mutual_information(folder / "mutual_information.csv", checkpoint.spec.factors, size),
        None if checkpoint.imported_from else read_curves(folder / "history.csv", hyperparameters, size),
    )


def validate_checkpoint(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """A checkpoint whose words are words and whose numbers are numbers; raises BvaeError where they are not."""
    with wrap_read_errors(path):
        require_plain_spec(checkpoint.spec)
        latents = [validate_latent(latent) for latent in checkpoint.latents]
        return replace(checkpoint, latents=validate_latents(latents, checkpoint.vae.latent_dim) if latents else [])


def validate_latent(latent: Latent) -> Latent:
    """A latent by the texts of its fields; raises ValueError where a number is none."""
    return Latent.from_row({key: "" if value is None else str(value) for key, value in latent.to_row().items()})


def require_plain_spec(spec: DataSpec) -> None:
    """Raise ValueError where the factors of a data set are no names with numbers of values."""
    sizes = spec.factor_sizes if spec.num_samples is None else (*spec.factor_sizes, spec.num_samples)
    if not all(isinstance(name, str) for name in spec.factors) or not all(isinstance(size, int) for size in sizes):
        raise ValueError("its factors are no names with numbers of values")


def display_name(file: Path) -> str:
    """What a run is called: its folder, and the file where that is not the usual one."""
    folder = file.resolve().parent.name
    return path_text(Path(folder) if file.name == CHECKPOINT_NAME else Path(folder, file.name))


def path_text(path: Path) -> str:
    """A path as text, which on the disk it need not be."""
    return os.fsencode(path).decode("utf-8", "replace")
