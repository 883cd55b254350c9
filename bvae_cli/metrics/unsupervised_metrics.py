"""Scores that need no factors: how far the latents are from being independent."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import BINS, bin_codes, pairwise_information

SAMPLES = 10_000
LEAST_VARIANCE = 1e-8  # of a latent that is not constant


def unsupervised_metrics(
    codes: NDArray[np.float32], truth: GroundTruth | None, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Total correlation, Wasserstein correlation and mutual information of latents (Locatello et al. 2019, sec. 5.2).

    Args:
        codes: (images, latents); latents that do not vary are left out.
        truth: not needed.
        rng: draws images.
        samples: how many images are drawn.

    Returns:
        `gaussian_total_correlation`: of a Gaussian with the codes' covariance, nats.
        `gaussian_wasserstein_correlation_norm`: the squared Wasserstein distance of that Gaussian to one without
        correlations, by its total variance. `mutual_info_score`: the mean information of two latents, nats. All 0 where
        fewer than two latents vary.
    """
    drawn = codes[rng.integers(len(codes), size=samples)]
    drawn = drawn[:, drawn.var(axis=0) > LEAST_VARIANCE]
    if drawn.shape[1] < 2:
        return {
            "gaussian_total_correlation": 0.0,
            "gaussian_wasserstein_correlation_norm": 0.0,
            "mutual_info_score": 0.0,
        }
    covariance = np.cov(drawn, rowvar=False, dtype=np.float64)
    pairs = combinations(bin_codes(drawn).T, 2)
    return {
        "gaussian_total_correlation": gaussian_total_correlation(covariance),
        "gaussian_wasserstein_correlation_norm": squared_wasserstein(covariance) / float(np.trace(covariance)),
        "mutual_info_score": float(np.mean([pairwise_information(one, other, BINS) for one, other in pairs])),
    }


def gaussian_total_correlation(covariance: NDArray[np.float64]) -> float:
    """½ (Σ ln diag C − ln det C), nats, of a Gaussian's covariance."""
    return float(np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance)[1]) / 2


def squared_wasserstein(covariance: NDArray[np.float64]) -> float:
    """2 tr C − 2 tr (C · diag C)^½: the squared distance of a Gaussian to its like without correlations."""
    std = np.sqrt(np.diag(covariance))
    symmetric = std[:, None] * covariance * std  # has the eigenvalues of C · diag C
    return float(2 * np.trace(covariance) - 2 * np.sqrt(np.linalg.eigvalsh(symmetric).clip(min=0)).sum())
