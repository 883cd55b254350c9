"""evaluation.json: the checkpoint, data and settings that the scores of a folder were computed from."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bvae_cli import __version__
from bvae_cli.images.spec import DataSpec
from bvae_cli.params import EvaluateParams
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_text
from bvae_cli.system.opening import open_regular, read_bytes

NAME = "evaluation.json"
MAX_RECORD_BYTES, MAX_HASHED_BYTES = 1_000_000, 2**33


def write_record(folder: Path, checkpoint: Path, data: DataSpec, settings: EvaluateParams) -> None:
    """Write evaluation.json for the scores in a folder; raises BvaeError if it cannot be written."""
    content = {"scores_sha256": file_sha256(folder / "metrics.json"), **origin(checkpoint, data, settings)}
    write_text(folder / NAME, json.dumps(content, indent=2) + "\n")


def is_up_to_date(folder: Path, checkpoint: Path, data: DataSpec, settings: EvaluateParams) -> bool:
    """Return whether the scores in a folder are those of this checkpoint file, data and settings."""
    record = read_record(folder)
    return bool(record) and all(record.get(key) == value for key, value in origin(checkpoint, data, settings).items())


def belongs_to(folder: Path, checkpoint: Path) -> bool:
    """Return whether the scores in a folder are those of this checkpoint file, or their origin is not recorded."""
    record = read_record(folder)
    return not record or record.get("checkpoint_sha256") == file_sha256(checkpoint)


def origin(checkpoint: Path, data: DataSpec, settings: EvaluateParams) -> dict[str, Any]:
    """Return what scores depend on, as JSON reads it."""
    content = {
        "checkpoint_sha256": file_sha256(checkpoint),
        "data_sha256": data.sha256,
        "settings": asdict(settings),
        "bvae": __version__,
    }
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def read_record(folder: Path) -> dict[str, Any]:
    """Return the content of evaluation.json; empty if there is none for the scores in the folder."""
    try:
        record = json.loads(read_bytes(folder / NAME, MAX_RECORD_BYTES))
        is_of_scores = record["scores_sha256"] == file_sha256(folder / "metrics.json")
    except (BvaeError, OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}
    return record if is_of_scores else {}


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; raises OSError if it cannot be read."""
    with open_regular(path, MAX_HASHED_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
