"""The mutual information gap, MIG (Chen et al. 2018, section 4.1, equation 6)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies, mutual_information

SAMPLES = 10_000


def mig(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute the gap in mutual information between the two latents most informative about each factor.

    Mutual information is estimated with codes in 20 bins of equal width (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `mig`: the gap relative to the factor's entropy, averaged over factors, 0 to 1.
    """
    indices = truth.sample(samples, rng)
    sampled_truth = truth.subset(indices)
    return {"mig": float(np.mean(gap(mutual_information(codes[indices], sampled_truth)) / entropies(sampled_truth)))}
