"""What each latent tells of each factor."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

BINS = 20


def mutual_information(codes: NDArray[np.float32], truth: GroundTruth) -> NDArray[np.float64]:
    """I(z_j; v_k), nats, as (latents, factors).

    Codes are put in 20 bins of equal width over their own range (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        truth: the factors of the same images.
    """
    values = [
        [pairwise_information(code, value, size) for value, size in zip(truth.factors.T, truth.sizes, strict=True)]
        for code in bin_codes(codes).T
    ]
    return np.array(values).reshape(codes.shape[1], len(truth.names))


def bin_codes(codes: NDArray[np.float32]) -> NDArray[np.int64]:
    """(images, latents): the bin of each code, 0 to 19."""
    return np.stack([equal_width_bins(latent) for latent in codes.T], axis=1)


def equal_width_bins(values: NDArray[np.float32], count: int = BINS) -> NDArray[np.int64]:
    """The bin, from 0, of each of (images,) values; all in one where they do not differ."""
    low, high = values.min(), values.max()
    scale = count / (high - low) if high > low else 0.0
    numbers: NDArray[np.int64] = ((values - low) * scale).astype(np.int64)
    return numbers.clip(max=count - 1)


def pairwise_information(one: NDArray[np.int64], other: NDArray[np.int64], size: int) -> float:
    """The mutual information, nats, of (images,) numbers and (images,) others below `size`."""
    joint = np.bincount(one * size + other, minlength=(one.max() + 1) * size).reshape(-1, size) / len(one)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / independent[seen])))


def entropies(truth: GroundTruth) -> NDArray[np.float64]:
    """(factors,): H(v_k), nats, over the images."""
    return np.array(
        [pairwise_information(column, column, size) for column, size in zip(truth.factors.T, truth.sizes, strict=True)]
    )
