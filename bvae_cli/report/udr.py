"""UDR (unsupervised disentanglement ranking) of runs that were trained on the same data."""

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

SEED = 0  # for sampling images, and for the lasso


def udr_by_run(
    records: Sequence[RunRecord], data: Path, report: ProgressCallback
) -> tuple[dict[str, float], list[str]]:
    """Return the UDR by run name, among the runs of the same data, and the reasons why some runs have none."""
    scores: dict[str, float] = {}
    reasons: list[str] = []
    for group in group_by_data(records):
        try:
            ranking = udr_of_models([record.checkpoint for record in group], data, report)
            scores |= {record.name: score for record, score in zip(group, ranking, strict=True)}
        except BvaeError as error:
            reasons.append(error.message)
    return scores, reasons


def group_by_data(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Return the runs grouped by data set; data sets with a single run are left out."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(repr(record.checkpoint.spec), []).append(record)
    return [group for group in groups.values() if len(group) > 1]


def udr_of_models(models: Sequence[Checkpoint], data: Path, report: ProgressCallback) -> list[float]:
    """Return the UDR of each model among models of the same data.

    Raises:
        BvaeError: the data file is not found or is another data set, or a code is not finite.
    """
    first, *others = models
    images = open_stream(data, first.spec.name)
    if not images.spec.is_same_data(first.spec):
        raise BvaeError(f"{images.path} is not the data set that the models were trained on")
    sample = images.subset(sample_indices(images, UDR_IMAGES, SEED))
    posteriors = encode(first.vae, sample, "float32", report)
    return rank_by_udr(posteriors, others, sample, torch.device("cpu"), SEED, report)
