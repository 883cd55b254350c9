"""Reader of the training curves of a run, which validates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.evaluation.decomposition import KLDecomposition
from bvae_cli.evaluation.results import read_rows, wrap_read_errors

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


def read_curves(path: Path, hyperparameters: Sequence[str], latent_dim: int) -> Curves | None:
    """Return the curves of history.csv; None if the file does not exist or has no rows yet.

    Args:
        path: the file.
        hyperparameters: required columns in addition to the losses and the KL of each latent.
        latent_dim: number of latents.

    Raises:
        BvaeError: the file is corrupt, or belongs to another run.
    """
    if not path.exists():
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
