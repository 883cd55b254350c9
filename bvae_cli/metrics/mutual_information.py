"""Mutual information of latents and factors, estimated from histograms."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.binning import equal_width_bins
from bvae_cli.metrics.ground_truth import GroundTruth


def mutual_information(codes: NDArray[np.float32], truth: GroundTruth) -> NDArray[np.float64]:
    """Return the mutual information I(z_j; v_k), nats, (latents, factors).

    The codes of each latent are put in 20 bins of equal width over its range (Locatello et al. 2019, appendix C), and
    so are the values of a continuous factor.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the same images.
    """
    values = [
        [pairwise_information(code, value, size) for value, size in zip(truth.factors.T, truth.sizes, strict=True)]
        for code in bin_codes(codes).T
    ]
    return np.array(values).reshape(codes.shape[1], len(truth.names))


def bin_codes(codes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the bin of each code, 0 to 19, (images, latents)."""
    return np.stack([equal_width_bins(latent) for latent in codes.T], axis=1)


def pairwise_information(one: NDArray[np.int64], other: NDArray[np.int64], size: int) -> float:
    """Return the mutual information, nats, of two (images,) arrays of indices, those of `other` below `size`."""
    joint = np.bincount(one * size + other, minlength=(one.max() + 1) * size).reshape(-1, size) / len(one)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    occurs = joint > 0
    return float(np.sum(joint[occurs] * np.log(joint[occurs] / independent[occurs])))


def entropies(truth: GroundTruth) -> NDArray[np.float64]:
    """Return the entropy H(v_k) of each factor over the images, nats, (factors,)."""
    return np.array([entropy(column) for column in truth.factors.T])


def entropy(values: NDArray[np.int64]) -> float:
    """Return the entropy, nats, of (images,) indices."""
    return pairwise_information(values, values, int(values.max()) + 1)
