"""JEMMIG, the joint entropy minus mutual information gap (Do & Tran 2020, section 4.3)."""

import math

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.binning import BINS
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import bin_codes, entropies, entropy, mutual_information

SAMPLES = 10_000


def jemmig(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute how exclusively the best latent of each factor encodes this factor, and no other latent does.

    With the best latent z* and the second-best latent z° of a factor v, JEMMIG is H(v, z*) − I(v; z*) + I(v; z°).
    Its maximum is H(v) + ln B for B bins of a latent. The score is 1 − JEMMIG / (H(v) + ln B).

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `jemmig`: averaged over factors, 0 to 1. It is 1 if each factor and its latent determine each other.
    """
    indices = truth.sample(samples, rng)
    sampled_truth = truth.subset(indices)
    information = mutual_information(codes[indices], sampled_truth)
    latent_entropies = np.array([entropy(latent) for latent in bin_codes(codes[indices]).T])
    return {"jemmig": float(np.mean(jemmig_of(information, latent_entropies, entropies(sampled_truth))))}


def jemmig_of(
    information: NDArray[np.float64], latent_entropies: NDArray[np.float64], factor_entropies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the score of each factor, (factors,).

    Args:
        information: mutual information, nats, (latents, factors).
        latent_entropies: entropies of the binned latents, nats, (latents,).
        factor_entropies: entropies of the factors, nats, (factors,).
    """
    ranked = np.sort(np.vstack([information, np.zeros_like(information[:1])]), axis=0)[::-1]
    joint = factor_entropies + latent_entropies[information.argmax(axis=0)] - ranked[0]  # H(v, z*)
    return np.asarray(1 - (joint - ranked[0] + ranked[1]) / (factor_entropies + math.log(BINS)))
