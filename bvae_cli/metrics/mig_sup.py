"""MIG-sup, the supplement to the mutual information gap (Li et al. 2020, section 4.2)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies, mutual_information

SAMPLES = 10_000


def mig_sup(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute the gap in mutual information between the two factors that each latent is most informative about.

    MIG penalises a factor that is encoded by several latents, MIG-sup a latent that encodes several factors.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `mig_sup`: the gap of I(z_j; v_k) / H(v_k), averaged over all latents, 0 to 1; a collapsed latent counts 0.
    """
    indices = truth.sample(samples, rng)
    sampled_truth = truth.subset(indices)
    normalised = mutual_information(codes[indices], sampled_truth) / entropies(sampled_truth)  # (latents, factors)
    return {"mig_sup": float(np.mean(gap(normalised.T)))}
