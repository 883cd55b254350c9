"""Readers of the files next to a checkpoint (scores, latents, mutual information, curves), which validate them."""

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
from bvae_cli.evaluation.evaluator import ENTROPY_ROW
from bvae_cli.evaluation.scoring import Scores
from bvae_cli.latents import Latent
from bvae_cli.system.errors import BvaeError

LOSSES = ("loss", "reconstruction_loss", "kl")
KL_TERMS = tuple(KLDecomposition(0, 0, 0).as_dict())


@dataclass(frozen=True)
class Curves:
    """The columns of history.csv."""

    steps: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]  # each of the length of `steps`; empty cells are NaN
    hyperparameters: tuple[str, ...]  # columns with values of (scheduled) hyperparameters

    @property
    def first_nonfinite_step(self) -> int | None:
        """The step of the first row whose loss is NaN or infinite; None if there is none."""
        rows = np.flatnonzero(~np.isfinite(self.columns["loss"]))
        return int(self.steps[rows[0]]) if len(rows) else None


@contextmanager
def wrap_read_errors(path: Path) -> Iterator[None]:
    """Convert exceptions that a corrupt file causes into a BvaeError that names the file."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        hint = "create the file again, or move it away to leave it out of the report."
        raise BvaeError(f"{path} is corrupt: {reason}", hint) from error


def read_scores(path: Path) -> Scores | None:
    """Return the scores of metrics.json, which may be NaN or infinite; None if the file does not exist.

    Raises:
        BvaeError: the file is corrupt.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("not a mapping of score names to values")
        return Scores.from_dict({name: float(value) for name, value in content.items()})


def read_latents(path: Path, latent_dim: int) -> list[Latent] | None:
    """Return the latents of latents.csv sorted by index; None if the file does not exist.

    Raises:
        BvaeError: the file is corrupt, or belongs to another model.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        return validate_latents([Latent.from_row(row) for row in read_rows(path)], latent_dim)


def validate_latents(latents: Sequence[Latent], latent_dim: int) -> list[Latent]:
    """Return latents sorted by index; raises ValueError if their number is wrong or a value is not finite."""
    ordered = sorted(latents, key=lambda latent: latent.index)
    if [latent.index for latent in ordered] != list(range(latent_dim)):
        raise ValueError(f"it does not belong to a model with {latent_dim} latents")
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
        raise ValueError("it contains NaN or infinity")
    return ordered


def read_mutual_information(path: Path, factors: Mapping[str, int], latent_dim: int) -> dict[str, list[float]] | None:
    """Return the normalised mutual information I(z_j; v_k)/H(v_k) of each latent, by factor.

    None if the file does not exist.

    Raises:
        BvaeError: the file is corrupt, or belongs to another model.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        *rows, entropies = read_rows(path)
        if [row["latent"] for row in rows] != [f"z{index}" for index in range(latent_dim)]:
            raise ValueError(f"it does not belong to a model with {latent_dim} latents")
        if entropies["latent"] != ENTROPY_ROW:
            raise ValueError("it lacks the entropies of the factors; run bvae evaluate again")
        names = [name for name in entropies if name != "latent"]
        if unknown := [name for name in names if name not in factors]:
            raise ValueError(f"the data set has no factor {unknown[0]}")
        shares = {name: [float(row[name]) / float(entropies[name]) for row in rows] for name in names}
        if not all(math.isfinite(share) for column in shares.values() for share in column):
            raise ValueError("it contains NaN or infinity")
        return shares


def read_curves(path: Path, hyperparameters: Sequence[str], latent_dim: int) -> Curves | None:
    """Return the curves of history.csv; None if the file does not exist or has no rows yet.

    Args:
        path: the file.
        hyperparameters: required columns in addition to the losses and the KL of each latent.
        latent_dim: number of latents.

    Raises:
        BvaeError: the file is corrupt, or belongs to another run.
    """
    if not path.is_file():
        return None
    with wrap_read_errors(path):
        rows = list(read_rows(path))
        if not rows:
            return None
        names = [*LOSSES, *hyperparameters, *(f"kl_{index}" for index in range(latent_dim))]
        names += [name for name in KL_TERMS if name in rows[0]]
        columns = {name: read_column(rows, name) for name in ("step", *names)}
        steps = columns.pop("step")
        if not (np.diff(steps, prepend=-1) > 0).all():
            raise ValueError("its steps do not increase from row to row")
        return Curves(steps, columns, tuple(hyperparameters))


def read_column(rows: Sequence[Mapping[str, str]], name: str) -> NDArray[np.float64]:
    """Return the values of a column; raises ValueError if it is missing or a cell is not a number."""
    if name not in rows[0]:
        raise ValueError(f"column {name} not found: it belongs to another run")
    return np.array([float(row[name] or "nan") for row in rows])


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file as mappings; raises ValueError if a row is shorter or longer than the header."""
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            if None in row or None in row.values():
                raise ValueError(f"line {number} and the header differ in the number of cells")
            yield row
