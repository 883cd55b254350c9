"""The interventional robustness score (Suter et al. 2019, section 3)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

SAMPLES = 10_000
PERCENTILE = 99  # of the deviations, in place of their maximum


def irs(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute how robust each latent is to changes of all factors but one.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `irs`: 1 − relative deviation at a fixed value of the factor for which a latent is most robust, 0 to 1. It is
        averaged over latents, weighted by their maximal deviation; 0 if no latent varies.
    """
    indices = truth.sample(samples, rng)
    sampled, factors = codes[indices], truth.factors[indices]
    maximum = np.abs(sampled - sampled.mean(axis=0)).max(axis=0)
    is_active = maximum > 0
    if not is_active.any():
        return {"irs": 0.0}
    deviations = [max_deviation(sampled[:, is_active], column) for column in factors.T]
    relative = np.stack(deviations, axis=1) / maximum[is_active, None]  # (latents, factors)
    return {"irs": float(np.average(1 - relative.min(axis=1), weights=maximum[is_active]))}


def max_deviation(codes: NDArray[np.float32], values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the 99th percentile of |z − E[z | value]|, averaged over the values of a factor, (latents,)."""
    groups = [codes[values == value] for value in np.unique(values)]
    deviations = [np.percentile(np.abs(group - group.mean(axis=0)), PERCENTILE, axis=0) for group in groups]
    return np.asarray(np.mean(deviations, axis=0))
