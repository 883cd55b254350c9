"""How alike models of the same data are."""

from collections.abc import Sequence
from pathlib import Path

import torch

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.datasets.images import some
from bvae_cli.datasets.stream import stream
from bvae_cli.encoding import encode
from bvae_cli.evaluation.evaluating import COMPARED, rank
from bvae_cli.report.record import Record
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import Report

SEED = 0  # of the images that are drawn, and of the lasso


def likeness(records: Sequence[Record], data: Path, report: Report) -> tuple[dict[str, float], list[str]]:
    """The udr of each run among those of the same data, by its name; and why of some there is none."""
    found: dict[str, float] = {}
    missing: list[str] = []
    for alike in by_data(records):
        try:
            ranking = ranked([record.checkpoint for record in alike], data, report)
            found |= {record.name: score for record, score in zip(alike, ranking, strict=True)}
        except BvaeError as error:
            missing.append(error.message)
    return found, missing


def by_data(records: Sequence[Record]) -> list[list[Record]]:
    """The runs of each data set of which there are two or more."""
    together: dict[str, list[Record]] = {}
    for record in records:
        together.setdefault(repr(record.checkpoint.spec), []).append(record)
    return [alike for alike in together.values() if len(alike) > 1]


def ranked(models: Sequence[Checkpoint], data: Path, report: Report) -> list[float]:
    """The udr of each of some models of the same data; raises BvaeError where it is not there, or a code not finite."""
    first, *others = models
    images = stream(data, first.spec.name)
    if images.spec != first.spec:
        raise BvaeError(f"{images.path} is not what they were trained on")
    shown = images.at(some(images, COMPARED, SEED))
    own = encode(first.vae, shown, first.params.train.precision, report)
    return rank(own, others, shown, torch.device("cpu"), SEED, report)
