"""The mutual information gap (Chen et al. 2018, section 4.1, equation 6)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies, mutual_information

SAMPLES = 10_000


def mig(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """How much more one latent tells of a factor than any other does.

    The information is that of codes in 20 bins (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images.
        samples: how many images are drawn.

    Returns:
        `mig`: the gap between the two latents that tell most, by the factor's entropy, a mean over factors; 0 to 1.
    """
    indices = truth.sample(samples, rng)
    drawn = truth.subset(indices)
    return {"mig": float(np.mean(gap(mutual_information(codes[indices], drawn)) / entropies(drawn)))}
