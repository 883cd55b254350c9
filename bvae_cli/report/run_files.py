"""What lies beside a checkpoint: scores, latents, information and curves, read with distrust."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.evaluation.decomposition import KLDecomposition
from bvae_cli.evaluation.scoring import Scores
from bvae_cli.latents import Latent
from bvae_cli.system.errors import BvaeError

LOSSES = ("loss", "reconstruction_loss", "kl")
KL_TERMS = tuple(KLDecomposition(0, 0, 0).as_dict())


@dataclass(frozen=True)
class Curves:
    """The lines of history.csv, by column."""

    steps: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]  # each as long; NaN where a line says nothing
    hyperparameters: tuple[str, ...]  # those of the columns that are set, not measured

    @property
    def first_nonfinite_step(self) -> int | None:
        """The step of the first line whose loss is no finite number."""
        lost = np.flatnonzero(~np.isfinite(self.columns["loss"]))
        return int(self.steps[lost[0]]) if len(lost) else None


@contextmanager
def wrap_read_errors(path: Path) -> Iterator[None]:
    """Turn what the faults of a file provoke into words that name it; raises BvaeError."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise BvaeError(f"{path} is damaged: {reason}", "make it anew, or move it away to do without.") from error


def read_scores(path: Path) -> Scores | None:
    """The scores of metrics.json, which need not be finite; None where there is no such file.

    Raises:
        BvaeError: it is damaged.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no scores by name")
        return Scores.from_dict({name: float(value) for name, value in content.items()})


def read_latents(path: Path, latent_dim: int) -> list[Latent] | None:
    """The latents of latents.csv, by number; None where there is no such file; raises as `validate_latents`."""
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        return validate_latents([Latent.from_row(row) for row in read_rows(path)], latent_dim)


def validate_latents(latents: Sequence[Latent], latent_dim: int) -> list[Latent]:
    """Latents by number; raises ValueError where they are not those of a model of so many, or not finite."""
    ordered = sorted(latents, key=lambda latent: latent.index)
    if [latent.index for latent in ordered] != list(range(latent_dim)):
        raise ValueError(f"it is not of a model of {latent_dim} latents")
    numbers = [
        (
            each.kl,
            each.posterior_variance,
            each.posterior_mean_min,
            each.posterior_mean_max,
            each.mutual_information,
            each.normalized_mi,
        )
        for each in ordered
    ]
    if not all(map(math.isfinite, sum(numbers, ()))):
        raise ValueError("it has a number that is not finite")
    return ordered


def read_mutual_information(path: Path, factors: Mapping[str, int], latent_dim: int) -> dict[str, list[float]] | None:
    """What each latent, by number, tells of each factor, a share of its entropy; None where there is no such file.

    Raises:
        BvaeError: it is damaged, or of another model.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        rows = list(read_rows(path))
        if [row["latent"] for row in rows] != [f"z{index}" for index in range(latent_dim)]:
            raise ValueError(f"it is not of a model of {latent_dim} latents")
        names = [name for name in rows[0] if name != "latent"]
        if strange := [name for name in names if name not in factors]:
            raise ValueError(f"the data has no factor {strange[0]}")
        entropies = {name: math.log(max(2, factors[name])) for name in names}
        shares = {name: [float(row[name]) / entropies[name] for row in rows] for name in names}
        if not all(math.isfinite(share) for column in shares.values() for share in column):
            raise ValueError("it has a number that is not finite")
        return shares


def read_curves(path: Path, hyperparameters: Sequence[str], latent_dim: int) -> Curves | None:
    """The curves of history.csv; None where there is none, or no line in it yet.

    Args:
        path: the file.
        hyperparameters: columns that it has to have beside the losses and the KL of each latent.
        latent_dim: number of latents.

    Raises:
        BvaeError: it is damaged, or of another run.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        rows = list(read_rows(path))
        if not rows:
            return None
        wanted = [*LOSSES, *hyperparameters, *(f"kl_{index}" for index in range(latent_dim))]
        wanted += [name for name in KL_TERMS if name in rows[0]]
        columns = {name: read_column(rows, name) for name in ("step", *wanted)}
        steps = columns.pop("step")
        if not (np.diff(steps, prepend=-1) > 0).all():
            raise ValueError("its steps do not grow from line to line")
        return Curves(steps, columns, tuple(hyperparameters))


def read_column(rows: Sequence[Mapping[str, str]], name: str) -> NDArray[np.float64]:
    """The numbers of a column; raises KeyError or ValueError where there is none, or a cell is no number."""
    if name not in rows[0]:
        raise ValueError(f"it has no column {name}: it is of another run")
    return np.array([float(row[name] or "nan") for row in rows])


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The lines of a table by its heading; raises ValueError where one is shorter or longer than that."""
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            if None in row or None in row.values():
                raise ValueError(f"line {number} has not as many cells as the heading")
            yield row
