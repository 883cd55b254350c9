"""The mean correlation coefficient, MCC (Hyvärinen & Morioka 2016; Khemakhem et al. 2020, appendix A)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.correlation import squared_correlation
from bvae_cli.metrics.ground_truth import GroundTruth

SAMPLES = 10_000
SHUFFLES = 10  # permutations of the images that the null baseline is averaged over


def mcc(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute the mean absolute correlation of each factor with the latent that is assigned to it.

    The assignment is one to one and maximises the sum of the correlations (Hungarian method). The largest of many
    correlations grows with the number of latents and shrinks with that of images, so the score of the same codes in a
    random order of the images, the null baseline, is computed beside it.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images; the values of a categorical factor are taken in their order.
        rng: samples images without replacement, and shuffles them.
        samples: maximum number of images sampled.

    Returns:
        `mcc_pearson`, `mcc_spearman`: mean over factors, 0 to 1; a factor without a latent counts 0.
        `mcc_pearson_null`, `mcc_spearman_null`: the same for shuffled images, mean over ten shuffles.
    """
    from scipy.stats import rankdata

    indices = truth.sample_distinct(samples, rng)
    sampled, factors = codes[indices].astype(np.float64), truth.values[indices]
    orders = [rng.permutation(len(indices)) for _ in range(SHUFFLES)]
    scores = {}
    pairs = {"pearson": (sampled, factors), "spearman": (rankdata(sampled, axis=0), rankdata(factors, axis=0))}
    for name, (latents, targets) in pairs.items():
        scores[f"mcc_{name}"] = assigned_mean(squared_correlation(latents, targets) ** 0.5)
        shuffled = [assigned_mean(squared_correlation(latents, targets[order]) ** 0.5) for order in orders]
        scores[f"mcc_{name}_null"] = float(np.mean(shuffled))
    return scores


def assigned_mean(correlations: NDArray[np.float64]) -> float:
    """Return the mean over factors of the (latents, factors) correlations of the best one-to-one assignment."""
    from scipy.optimize import linear_sum_assignment

    assignment = linear_sum_assignment(correlations, maximize=True)
    return float(correlations[assignment].sum() / correlations.shape[1])
