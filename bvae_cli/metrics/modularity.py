"""Modularity (Ridgeway & Mozer 2018, section 3)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

SAMPLES = 10_000
MIN_INFORMATION = 1e-10  # nats; information below it is rounding


def modularity(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Whether each latent tells of one factor only.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images.
        samples: how many images are drawn.

    Returns:
        `modularity`: 0 to 1, a mean over latents; one that tells of nothing counts 0.
    """
    indices = truth.sample(samples, rng)
    return {"modularity": modularity_of(mutual_information(codes[indices], truth.subset(indices)))}


def modularity_of(information: NDArray[np.float64]) -> float:
    """1 − (Σ_k m_ik² − max²) / (max² · (K − 1)) of (latents, factors) information m, a mean over latents."""
    squares = np.where(information > MIN_INFORMATION, information, 0.0) ** 2
    top = squares.max(axis=1)
    is_active = top > 0
    stray = (squares.sum(axis=1) - top)[is_active] / (top[is_active] * (squares.shape[1] - 1))
    return float(np.sum(1 - stray) / len(squares))
