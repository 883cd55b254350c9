"""Which latent is which."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bvae_cli.encoding import ACTIVE_THRESHOLD, Posteriors
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

MIN_NORMALIZED_MI = 0.05  # of a factor's entropy; less, counted in bins of a sample, may be chance


@dataclass(frozen=True)
class Latent:
    """What is known of one latent over a data set."""

    index: int
    kl: float  # mean KL to the prior, nats
    posterior_variance: float  # mean posterior variance; the prior's is 1
    posterior_mean_min: float  # least posterior mean
    posterior_mean_max: float  # greatest posterior mean
    top_factor: str | None  # the factor it tells most of; None where it tells next to nothing of any
    mutual_information: float  # mutual information with that factor, nats
    normalized_mi: float  # of that factor's entropy, 0 to 1
    posterior_mean_avg: float = math.nan  # mean posterior mean; older checkpoints do not say it

    def to_row(self) -> dict[str, object]:
        """The cells of a line of latents.csv, by column."""
        cells = asdict(self)
        return {"latent": cells.pop("index"), **cells}

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Latent:
        """A latent of the texts of its fields, as a table has them; raises KeyError or ValueError where one is off."""
        known = [entry.name for entry in fields(cls) if entry.type == "float" and entry.name in row]
        return cls(
            index=int(row["latent"]), top_factor=row["top_factor"] or None, **{name: float(row[name]) for name in known}
        )

    @property
    def is_active(self) -> bool:
        """Whether it tells anything of a picture."""
        return self.kl >= ACTIVE_THRESHOLD

    @property
    def label(self) -> str:
        """The factor it follows, in a word to show."""
        return self.top_factor or ("" if self.is_active else "unused")


def summarize_latents(encoding: Posteriors, truth: GroundTruth) -> list[Latent]:
    """Each latent, by number, over images of which the truth is known."""
    mean, kl = encoding.mean.numpy(), encoding.kl.mean(dim=0).tolist()
    variance = encoding.logvar.exp().mean(dim=0).tolist()
    information = mutual_information(mean, truth)  # (latents, factors)
    ranges = zip(mean.min(axis=0).tolist(), mean.max(axis=0).tolist(), mean.mean(axis=0).tolist(), strict=True)
    return [
        Latent(index, kl[index], variance[index], low, high, *top_factor(information[index], kl[index], truth), centre)
        for index, (low, high, centre) in enumerate(ranges)
    ]


def top_factor(information: NDArray[np.float64], kl: float, truth: GroundTruth) -> tuple[str | None, float, float]:
    """The factor of which a latent tells most, how much in nats, and what share of the factor's entropy that is."""
    if kl < ACTIVE_THRESHOLD or not truth.names:
        return None, 0.0, 0.0
    top = int(information.argmax())
    mi, entropy = float(information[top]), math.log(max(2, truth.sizes[top]))
    if mi < MIN_NORMALIZED_MI * entropy:
        return None, 0.0, 0.0
    return truth.names[top], mi, mi / entropy


def sort_by_kl(latents: list[Latent]) -> list[Latent]:
    """The same, from the most telling to the least."""
    return sorted(latents, key=lambda latent: -latent.kl)
