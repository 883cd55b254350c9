"""Which latent is which."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bvae_cli.encoding import UNUSED, Encoding
from bvae_cli.metrics.mutual_information import mutual_information
from bvae_cli.metrics.truth import Truth

LEAST_SHARE = 0.05  # of a factor's entropy; less, counted in bins of a sample, may be chance


@dataclass(frozen=True)
class Latent:
    """What is known of one latent over a data set."""

    index: int
    kl: float  # mean KL to the prior, nats
    variance: float  # mean posterior variance; the prior's is 1
    low: float  # least posterior mean
    high: float  # greatest posterior mean
    factor: str | None  # the factor it tells most of; None where it tells next to nothing of any
    information: float  # mutual information with that factor, nats
    share: float  # of that factor's entropy, 0 to 1
    centre: float = math.nan  # mean posterior mean; older checkpoints do not say it

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Latent:
        """A latent of the texts of its fields, as a table has them; raises KeyError or ValueError where one is off."""
        known = [entry.name for entry in fields(cls) if entry.type == "float" and entry.name in row]
        return cls(index=int(row["index"]), factor=row["factor"] or None, **{name: float(row[name]) for name in known})

    @property
    def used(self) -> bool:
        """Whether it tells anything of a picture."""
        return self.kl >= UNUSED

    @property
    def follows(self) -> str:
        """The factor it follows, in a word to show."""
        return self.factor or ("" if self.used else "unused")


def describe(encoding: Encoding, truth: Truth) -> list[Latent]:
    """Each latent, by number, over images of which the truth is known."""
    mean, kl = encoding.mean.numpy(), encoding.kl.mean(dim=0).tolist()
    variance = encoding.logvar.exp().mean(dim=0).tolist()
    information = mutual_information(mean, truth)  # (latents, factors)
    ranges = zip(mean.min(axis=0).tolist(), mean.max(axis=0).tolist(), mean.mean(axis=0).tolist(), strict=True)
    return [
        Latent(index, kl[index], variance[index], low, high, *followed(information[index], kl[index], truth), centre)
        for index, (low, high, centre) in enumerate(ranges)
    ]


def followed(information: NDArray[np.float64], kl: float, truth: Truth) -> tuple[str | None, float, float]:
    """The factor of which a latent tells most, how much in nats, and what share of the factor's entropy that is."""
    if kl < UNUSED or not truth.names:
        return None, 0.0, 0.0
    top = int(information.argmax())
    told, entropy = float(information[top]), math.log(max(2, truth.sizes[top]))
    if told < LEAST_SHARE * entropy:
        return None, 0.0, 0.0
    return truth.names[top], told, told / entropy


def by_kl(latents: list[Latent]) -> list[Latent]:
    """The same, from the most telling to the least."""
    return sorted(latents, key=lambda latent: -latent.kl)
