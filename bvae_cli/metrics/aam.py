"""The axis alignment metric of YannDubs' disentangling-vae, after Chen et al. 2018."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

SAMPLES = 10_000


def aam(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """How much more one latent tells of a factor than all others together.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images.
        samples: how many images are drawn.

    Returns:
        `aam`: max(0, I_top − Σ of the others) / I_top, a mean over factors, 0 to 1; a factor of which nothing is told
        counts 0.
    """
    indices = truth.sample(samples, rng)
    information = mutual_information(codes[indices], truth.subset(indices))
    top = information.max(axis=0)
    rest = information.sum(axis=0) - top
    denominator = np.where(top > 0, top, 1.0)
    return {"aam": float(np.mean(np.maximum(0.0, top - rest) / denominator))}
