"""Unsupervised metrics of the statistical dependence between latents; no ground-truth factors are needed."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.binning import BINS
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import bin_codes, pairwise_information

SAMPLES = 10_000
MIN_VARIANCE = 1e-8  # latents below are treated as constant


def unsupervised_metrics(
    codes: NDArray[np.float32], truth: GroundTruth | None, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """Compute total correlation, Wasserstein correlation and pairwise mutual information of the latents.

    They are those of Locatello et al. 2019, section 5.2.

    Args:
        codes: (images, latents); constant latents are left out.
        truth: not used.
        rng: samples images.
        samples: number of images sampled.

    Returns:
        `gaussian_total_correlation`: total correlation of a Gaussian with the codes' covariance, nats.
        `gaussian_wasserstein_correlation_norm`: squared Wasserstein distance of that Gaussian to one without
        correlations, relative to its total variance. `mutual_info_score`: mean mutual information of two latents,
        nats. All are 0 if fewer than two latents vary.
    """
    sampled = codes[rng.integers(len(codes), size=samples)]
    sampled = sampled[:, sampled.var(axis=0) > MIN_VARIANCE]
    if sampled.shape[1] < 2:
        return {
            "gaussian_total_correlation": 0.0,
            "gaussian_wasserstein_correlation_norm": 0.0,
            "mutual_info_score": 0.0,
        }
    covariance = np.cov(sampled, rowvar=False, dtype=np.float64)
    pairs = combinations(bin_codes(sampled).T, 2)
    return {
        "gaussian_total_correlation": gaussian_total_correlation(covariance),
        "gaussian_wasserstein_correlation_norm": squared_wasserstein(covariance) / float(np.trace(covariance)),
        "mutual_info_score": float(np.mean([pairwise_information(one, other, BINS) for one, other in pairs])),
    }


def gaussian_total_correlation(covariance: NDArray[np.float64]) -> float:
    """Return ½ (Σ ln diag C − ln det C), the total correlation of a Gaussian of covariance C, nats."""
    return float(np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance)[1]) / 2


def squared_wasserstein(covariance: NDArray[np.float64]) -> float:
    """Return 2 tr C − 2 tr (C · diag C)^½, the squared distance to the Gaussian of covariance diag C."""
    std = np.sqrt(np.diag(covariance))
    symmetric = std[:, None] * covariance * std  # has the eigenvalues of C · diag C
    return float(2 * np.trace(covariance) - 2 * np.sqrt(np.linalg.eigvalsh(symmetric).clip(min=0)).sum())
