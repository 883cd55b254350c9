"""DCIMIG, also called 3CharM (Sepliarskaia et al. 2019, section 5)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies, mutual_information

SAMPLES = 10_000


def dcimig(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute how much of the factors is encoded by latents that encode one factor each.

    The gap of a latent is the difference in mutual information of its two best factors, and is credited to the best.
    The score is the sum of each factor's largest credit, divided by the sum of the factors' entropies.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `dcimig`: 0 to 1. A second latent that encodes the same factor does not lower it.
    """
    indices = truth.sample(samples, rng)
    sampled_truth = truth.subset(indices)
    return {"dcimig": dcimig_of(mutual_information(codes[indices], sampled_truth), entropies(sampled_truth))}


def dcimig_of(information: NDArray[np.float64], factor_entropies: NDArray[np.float64]) -> float:
    """Return the score of a (latents, factors) mutual information and (factors,) entropies, both in nats."""
    credit = np.zeros_like(factor_entropies)
    np.maximum.at(credit, information.argmax(axis=1), gap(information.T))
    return float(credit.sum() / factor_entropies.sum())
