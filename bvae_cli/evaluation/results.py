"""Readers of the files that an evaluation writes, which validate them: scores, latents, mutual information."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from bvae_cli.checkpoint_schema import LatentSchema, describe_fault
from bvae_cli.evaluation.descriptions import DESCRIPTIONS
from bvae_cli.evaluation.scoring import Scores
from bvae_cli.latents import Latent
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.opening import read_bytes

MAX_BYTES = 50_000_000  # of a file
ENTROPY_ROW = "entropy"  # name of the last row of mutual_information.csv

SCORES = TypeAdapter(dict[str, Annotated[float, Field(strict=True)]])


@contextmanager
def wrap_read_errors(path: Path) -> Iterator[None]:
    """Convert exceptions that a corrupt file causes into a BvaeError that names the file."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, csv.Error) as error:
        hint = "create the file again, or move it away to leave it out of the report."
        raise BvaeError(f"{path} is corrupt: {describe_fault(error)}", hint) from error


def read_scores(path: Path) -> Scores:
    """Return the scores of metrics.json, which may be NaN or infinite in old files.

    Raises:
        OSError: the file cannot be read.
        BvaeError: it is corrupt, or contains unknown scores.
    """
    with wrap_read_errors(path):
        scores = Scores.from_dict(SCORES.validate_python(json.loads(read_bytes(path, MAX_BYTES).decode())))
        if unknown := [name for name in (*scores.values, *scores.stds, *scores.stderrs) if name not in DESCRIPTIONS]:
            raise ValueError(f"the score {unknown[0]} is unknown")
        return scores


def read_latents(path: Path, latent_dim: int | None = None) -> list[Latent]:
    """Return the latents of latents.csv sorted by index.

    Args:
        path: the file.
        latent_dim: number of latents of the model; None if it is not known.

    Raises:
        OSError: the file cannot be read.
        BvaeError: it is corrupt, or belongs to another model.
    """
    with wrap_read_errors(path):
        latents = sorted(map(parse_latent, read_rows(path)), key=lambda latent: latent.index)
        if [latent.index for latent in latents] != list(range(len(latents) if latent_dim is None else latent_dim)):
            raise ValueError(f"it does not belong to a model with {latent_dim or len(latents)} latents")
        return latents


def parse_latent(row: Mapping[str, str]) -> Latent:
    """Return a latent from a row of latents.csv; raises ValueError if a cell is missing, unknown or invalid."""
    fields = {"index" if name == "latent" else name: cell for name, cell in row.items()}
    missing = {name: None for name in ("top_factor", "second_factor") if not fields.get(name)}
    return Latent(**LatentSchema.model_validate(fields | missing, strict=False).model_dump())


def read_mutual_information(path: Path, factors: Mapping[str, int], latent_dim: int) -> dict[str, list[float]]:
    """Return the normalised mutual information I(z_j; v_k)/H(v_k) of each latent, by factor.

    Raises:
        OSError: the file cannot be read.
        BvaeError: it is corrupt, or belongs to another model.
    """
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


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file as mappings; raises ValueError if a row is shorter or longer than the header."""
    lines = csv.DictReader(io.StringIO(read_bytes(path, MAX_BYTES).decode(), newline=""))
    for number, row in enumerate(lines, start=2):
        if None in row or None in row.values():
            raise ValueError(f"line {number} and the header differ in the number of cells")
        yield row
