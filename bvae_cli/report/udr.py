"""How alike models of the same data are."""

from collections.abc import Sequence
from pathlib import Path

import torch

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.encoding import encode
from bvae_cli.evaluation.evaluator import UDR_IMAGES, rank_by_udr
from bvae_cli.images.in_memory import sample_indices
from bvae_cli.images.stream import open_stream
from bvae_cli.report.run_record import RunRecord
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ProgressCallback

SEED = 0  # of the images that are drawn, and of the lasso


def udr_by_run(
    records: Sequence[RunRecord], data: Path, report: ProgressCallback
) -> tuple[dict[str, float], list[str]]:
    """The udr of each run among those of the same data, by its name; and why of some there is none."""
    found: dict[str, float] = {}
    missing: list[str] = []
    for group in group_by_data(records):
        try:
            ranking = udr_of_models([record.checkpoint for record in group], data, report)
            found |= {record.name: score for record, score in zip(group, ranking, strict=True)}
        except BvaeError as error:
            missing.append(error.message)
    return found, missing


def group_by_data(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """The runs of each data set of which there are two or more."""
    together: dict[str, list[RunRecord]] = {}
    for record in records:
        together.setdefault(repr(record.checkpoint.spec), []).append(record)
    return [group for group in together.values() if len(group) > 1]


def udr_of_models(models: Sequence[Checkpoint], data: Path, report: ProgressCallback) -> list[float]:
    """The udr of each of some models of the same data; raises BvaeError where it is not there, or a code not finite."""
    first, *others = models
    images = open_stream(data, first.spec.name)
    if images.spec != first.spec:
        raise BvaeError(f"{images.path} is not what they were trained on")
    shown = images.subset(sample_indices(images, UDR_IMAGES, SEED))
    own = encode(first.vae, shown, first.params.train.precision, report)
    return rank_by_udr(own, others, shown, torch.device("cpu"), SEED, report)
