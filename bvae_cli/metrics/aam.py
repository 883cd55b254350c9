"""The axis alignment metric (AAM) of YannDubs's disentangling-vae, after Chen et al. 2018."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

SAMPLES = 10_000


def aam(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute the mutual information of a factor's top latent in excess of that of all other latents together.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `aam`: max(0, I_top − Σ of the others) / I_top, averaged over factors, 0 to 1. A factor without mutual
        information with any latent counts 0.
    """
    indices = truth.sample(samples, rng)
    information = mutual_information(codes[indices], truth.subset(indices))
    top = information.max(axis=0)
    rest = information.sum(axis=0) - top
    denominator = np.where(top > 0, top, 1.0)
    return {"aam": float(np.mean(np.maximum(0.0, top - rest) / denominator))}
