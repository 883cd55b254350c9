"""Modularity (Ridgeway & Mozer 2018, section 3)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

SAMPLES = 10_000
MIN_INFORMATION = 1e-10  # nats; smaller values are rounding errors


def modularity(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute the degree to which each latent is informative about a single factor.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `modularity`: averaged over latents, 0 to 1; a latent without mutual information with any factor counts 0.
    """
    indices = truth.sample(samples, rng)
    return {"modularity": modularity_of(mutual_information(codes[indices], truth.subset(indices)))}


def modularity_of(information: NDArray[np.float64]) -> float:
    """Return 1 − (Σ_k m_ik² − max²) / (max² · (K − 1)), averaged over latents.

    `information` is the mutual information m, (latents, factors).
    """
    squares = np.where(information > MIN_INFORMATION, information, 0.0) ** 2
    top = squares.max(axis=1)
    is_active = top > 0
    deviation = (squares.sum(axis=1) - top)[is_active] / (top[is_active] * (squares.shape[1] - 1))
    return float(np.sum(1 - deviation) / len(squares))
