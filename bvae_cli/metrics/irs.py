"""The interventional robustness score (Suter et al. 2019, section 3)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

SAMPLES = 10_000
PERCENTILE = 99  # of the deviations, in place of the greatest


def irs(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """How little a latent moves while one factor is held and the others change.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images.
        samples: how many images are drawn.

    Returns:
        `irs`: 0 to 1, of the factor that each latent is most robust for, a mean over latents by how far they move; 0
        where none moves.
    """
    indices = truth.sample(samples, rng)
    drawn, factors = codes[indices], truth.factors[indices]
    farthest = np.abs(drawn - drawn.mean(axis=0)).max(axis=0)
    is_active = farthest > 0
    if not is_active.any():
        return {"irs": 0.0}
    moved = np.stack([max_deviation(drawn[:, is_active], column) for column in factors.T], axis=1)  # (latents, factors)
    robust = 1 - (moved / farthest[is_active, None]).min(axis=1)
    return {"irs": float(np.average(robust, weights=farthest[is_active]))}


def max_deviation(codes: NDArray[np.float32], values: NDArray[np.int64]) -> NDArray[np.float64]:
    """(latents,): how far codes are from their mean while a factor has one value, a mean over its values."""
    groups = [codes[values == value] for value in np.unique(values)]
    far = [np.percentile(np.abs(group - group.mean(axis=0)), PERCENTILE, axis=0) for group in groups]
    return np.asarray(np.mean(far, axis=0))
