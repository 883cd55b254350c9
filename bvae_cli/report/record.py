"""A run as it lies on the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from PIL import Image

from bvae_cli.checkpoint import Checkpoint, load
from bvae_cli.datasets.spec import DataSpec
from bvae_cli.evaluation.scoring import Scores
from bvae_cli.latents import Latent, by_kl
from bvae_cli.objectives.schedule import values_at
from bvae_cli.report.explained import groups_of
from bvae_cli.report.films import figure, rows_of
from bvae_cli.report.reading import (
    Curves,
    explained,
    read_curves,
    read_information,
    read_latents,
    read_scores,
    sound,
)
from bvae_cli.report.templates import render
from bvae_cli.report.wording import summary

MODEL = "checkpoint.pt"


@dataclass(frozen=True)
class Record:
    """A model, and what was written beside it."""

    name: str
    path: Path  # of its checkpoint
    checkpoint: Checkpoint  # with the latents as they were evaluated last
    scores: Scores | None = None
    information: Mapping[str, list[float]] | None = None  # of each factor the share that each latent, by number, tells
    curves: Curves | None = None

    @classmethod
    def open(cls, path: Path | str) -> Record:
        """The run in a folder, or a checkpoint; of one that is not named checkpoint.pt nothing beside it is read.

        Raises:
            BvaeError: there is no checkpoint, or a file is damaged or of another run.
        """
        path = Path(path)
        file = path / MODEL if path.is_dir() else path
        checkpoint = distrusted(load(file), file)
        name = shown_name(file)
        return beside(name, file, checkpoint) if file.name == MODEL else cls(name, file, checkpoint)

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.path.parent

    @property
    def latents(self) -> list[Latent]:
        """From the most telling to the least; none where nothing is known of them."""
        return by_kl(self.checkpoint.latents)

    def traversal(self, *latents: int) -> Image.Image:
        """A figure of what latents do, those of these numbers or all that are used.

        Raises:
            BvaeError: there is no such latent.
        """
        return figure(self.checkpoint, latents)

    def _repr_html_(self) -> str:
        """What a notebook shows: the run in two sentences, which latent is which, and the scores."""
        model = self.checkpoint
        groups = groups_of(self.scores.values if self.scores else [])
        return render("card.html", record=self, summary=summary(model), rows=rows_of(model), groups=groups)


def beside(name: str, file: Path, checkpoint: Checkpoint) -> Record:
    """A run with all that lies in its folder; raises BvaeError where a file is damaged or of another run."""
    folder, size = file.parent, checkpoint.vae.latent_dim
    latents = read_latents(folder / "latents.csv", size) or checkpoint.latents
    knobs = [*values_at(checkpoint.params.objective, 0), "learning_rate"]
    return Record(
        name,
        file,
        replace(checkpoint, latents=latents),
        read_scores(folder / "metrics.json"),
        read_information(folder / "information.csv", checkpoint.spec.factors, size),
        None if checkpoint.foreign else read_curves(folder / "history.csv", knobs, size),
    )


def distrusted(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """A checkpoint whose words are words and whose numbers are numbers; raises BvaeError where they are not."""
    with explained(path):
        require_plain(checkpoint.spec)
        latents = [plain(latent) for latent in checkpoint.latents]
        return replace(checkpoint, latents=sound(latents, checkpoint.vae.latent_dim) if latents else [])


def plain(latent: Latent) -> Latent:
    """A latent by the texts of its fields; raises ValueError where a number is none."""
    return Latent.of({key: "" if value is None else str(value) for key, value in asdict(latent).items()})


def require_plain(spec: DataSpec) -> None:
    """Raise ValueError where the factors of a data set are no names with numbers of values."""
    sizes = spec.grid if spec.listed is None else (*spec.grid, spec.listed)
    if not all(isinstance(name, str) for name in spec.factors) or not all(isinstance(size, int) for size in sizes):
        raise ValueError("its factors are no names with numbers of values")


def shown_name(file: Path) -> str:
    """What a run is called: its folder, and the file where that is not the usual one."""
    folder = file.resolve().parent.name
    return text_of(Path(folder) if file.name == MODEL else Path(folder, file.name))


def text_of(path: Path) -> str:
    """A path as text, which on the disk it need not be."""
    return os.fsencode(path).decode("utf-8", "replace")
