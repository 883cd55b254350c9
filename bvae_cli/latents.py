"""Statistics of latents: KL, range, and the factor of variation that each captures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bvae_cli.encoding import ACTIVE_THRESHOLD, Posteriors
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies, mutual_information

SEED = 0  # of the posterior samples whose mutual information is estimated
MIN_NORMALIZED_MI = 0.05  # fraction of the factor's entropy; smaller estimates may be due to finite-sample bias
NO_FACTOR = (None, 0.0, 0.0)


@dataclass(frozen=True)
class Latent:
    """Statistics of one latent over a data set."""

    index: int
    kl: float  # mean KL to the prior, nats
    posterior_variance: float  # mean posterior variance; the prior's is 1
    posterior_mean_min: float  # minimum of the posterior means
    posterior_mean_max: float  # maximum of the posterior means
    top_factor: str | None  # the factor with the highest I(z; v) / H(v); None if it is negligible for all factors
    mutual_information: float  # I(z; v) with that factor, nats
    normalized_mi: float  # I(z; v) / H(v), 0 to 1
    posterior_mean_avg: float = math.nan  # mean of the posterior means; NaN in old checkpoints
    second_factor: str | None = None  # the factor with the second highest I(z; v) / H(v)
    second_normalized_mi: float = 0.0  # I(z; v) / H(v) with that factor

    def to_row(self) -> dict[str, object]:
        """Return a row of latents.csv, by column."""
        cells = asdict(self)
        return {"latent": cells.pop("index"), **cells}

    @property
    def is_active(self) -> bool:
        """Whether the latent is active, i.e. carries information about the images."""
        return self.kl >= ACTIVE_THRESHOLD

    @property
    def label(self) -> str:
        """The top factor, or `inactive`, or an empty string for an active latent without a top factor."""
        return self.top_factor or ("" if self.is_active else "inactive")

    @property
    def factors(self) -> dict[str, float]:
        """I(z; v) / H(v), 0 to 1, of the top factor and of the second one, as far as they exist."""
        known = {self.top_factor: self.normalized_mi, self.second_factor: self.second_normalized_mi}
        return {name: share for name, share in known.items() if name}


def summarize_latents(posteriors: Posteriors, truth: GroundTruth) -> list[Latent]:
    """Return the statistics of each latent, by index, over images with known ground-truth factors."""
    information, entropy = latent_information(posteriors, truth), entropies(truth)
    statistics = zip(
        posteriors.kl.mean(dim=0).tolist(),
        posteriors.logvar.exp().mean(dim=0).tolist(),
        posteriors.mean.amin(dim=0).tolist(),
        posteriors.mean.amax(dim=0).tolist(),
        strict=True,
    )
    centres = posteriors.mean.mean(dim=0).tolist()
    latents = []
    for index, (numbers, row) in enumerate(zip(statistics, information, strict=True)):
        first, second, *_ = *rank_factors(row, entropy, truth.names), NO_FACTOR, NO_FACTOR
        latents.append(Latent(index, *numbers, *first, centres[index], second[0], second[2]))
    return latents


def latent_information(posteriors: Posteriors, truth: GroundTruth) -> NDArray[np.float64]:
    """Return the mutual information I(z_j; v_k) of each latent and factor, nats, (latents, factors).

    It is estimated from one sample z per posterior. The posterior means would have information that noise hides from
    the decoder, even those of a collapsed latent. The estimate is limited to the mean KL, because
    I(z_j; v_k) ≤ I(z_j; x) ≤ KL_j (Chen et al. 2018, equation 2); that of an inactive latent is 0.
    """
    bound = torch.where(posteriors.is_active, posteriors.kl.mean(dim=0), 0.0).double()
    return np.asarray(np.minimum(mutual_information(posteriors.sample(SEED).numpy(), truth), bound.numpy()[:, None]))


def rank_factors(
    information: NDArray[np.float64], entropy: NDArray[np.float64], names: Sequence[str]
) -> list[tuple[str, float, float]]:
    """Return each factor with I(z; v) in nats and I(z; v) / H(v), sorted by the latter, without negligible ones.

    The ratio makes factors comparable: the more values a factor has, the more information a latent can share with it.
    """
    ratios = np.divide(information, entropy, out=np.zeros_like(information), where=entropy > 0)
    order = [index for index in np.argsort(-ratios, kind="stable") if ratios[index] >= MIN_NORMALIZED_MI]
    return [(names[index], float(information[index]), float(ratios[index])) for index in order]


def sort_by_kl(latents: list[Latent]) -> list[Latent]:
    """Return the latents in order of decreasing KL."""
    return sorted(latents, key=lambda latent: -latent.kl)
