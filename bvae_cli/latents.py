"""Statistics of latents: KL, range, and the factor of variation that each captures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bvae_cli.encoding import ACTIVE_THRESHOLD, Posteriors
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

MIN_NORMALIZED_MI = 0.05  # fraction of the factor's entropy; smaller estimates may be due to finite-sample bias


@dataclass(frozen=True)
class Latent:
    """Statistics of one latent over a data set."""

    index: int
    kl: float  # mean KL to the prior, nats
    posterior_variance: float  # mean posterior variance; the prior's is 1
    posterior_mean_min: float  # minimum of the posterior means
    posterior_mean_max: float  # maximum of the posterior means
    top_factor: str | None  # the factor with the highest mutual information; None if negligible for all factors
    mutual_information: float  # I(z; v) with that factor, nats
    normalized_mi: float  # I(z; v) / H(v), 0 to 1
    posterior_mean_avg: float = math.nan  # mean of the posterior means; NaN in old checkpoints

    def to_row(self) -> dict[str, object]:
        """Return a row of latents.csv, by column."""
        cells = asdict(self)
        return {"latent": cells.pop("index"), **cells}

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Latent:
        """Return a latent from a row of latents.csv; raises KeyError or ValueError if a cell is missing or invalid."""
        columns = [entry.name for entry in fields(cls) if entry.type == "float" and entry.name in row]
        return cls(
            index=int(row["latent"]),
            top_factor=row["top_factor"] or None,
            **{name: float(row[name]) for name in columns},
        )

    @property
    def is_active(self) -> bool:
        """Whether the latent is active, i.e. carries information about the images."""
        return self.kl >= ACTIVE_THRESHOLD

    @property
    def label(self) -> str:
        """The top factor, or `inactive`, or an empty string for an active latent without a top factor."""
        return self.top_factor or ("" if self.is_active else "inactive")


def summarize_latents(posteriors: Posteriors, truth: GroundTruth) -> list[Latent]:
    """Return the statistics of each latent, by index, over images with known ground-truth factors."""
    mean, kl = posteriors.mean.numpy(), posteriors.kl.mean(dim=0).tolist()
    variance = posteriors.logvar.exp().mean(dim=0).tolist()
    information = mutual_information(mean, truth)  # (latents, factors)
    ranges = zip(mean.min(axis=0).tolist(), mean.max(axis=0).tolist(), mean.mean(axis=0).tolist(), strict=True)
    return [
        Latent(index, kl[index], variance[index], low, high, *top_factor(information[index], kl[index], truth), centre)
        for index, (low, high, centre) in enumerate(ranges)
    ]


def top_factor(information: NDArray[np.float64], kl: float, truth: GroundTruth) -> tuple[str | None, float, float]:
    """Return the factor with the highest mutual information with a latent, I(z; v) in nats, and I(z; v) / H(v)."""
    if kl < ACTIVE_THRESHOLD or not truth.names:
        return None, 0.0, 0.0
    top = int(information.argmax())
    mi, entropy = float(information[top]), math.log(max(2, truth.sizes[top]))
    if mi < MIN_NORMALIZED_MI * entropy:
        return None, 0.0, 0.0
    return truth.names[top], mi, mi / entropy


def sort_by_kl(latents: list[Latent]) -> list[Latent]:
    """Return the latents in order of decreasing KL."""
    return sorted(latents, key=lambda latent: -latent.kl)
