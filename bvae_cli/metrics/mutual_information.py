"""What each latent tells of each factor."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BINS = 20


def mutual_information(
    codes: NDArray[np.float32], factors: NDArray[np.int64], grid: Sequence[int]
) -> NDArray[np.float64]:
    """I(z_j; v_k), nats, as (latents, factors).

    Codes are put in 20 bins of equal width over their own range (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        factors: (images, factors), integers from 0.
        grid: how many values each factor has.
    """
    bins = np.stack([equal_width_bins(latent) for latent in codes.T], axis=1)  # (images, latents)
    return np.array([
        [information(np.bincount(code * size + value, minlength=BINS * size).reshape(BINS, size))
         for value, size in zip(factors.T, grid, strict=True)]
        for code in bins.T
    ])  # fmt: skip


def equal_width_bins(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """The bin, 0 to 19, of each of (images,) values; all in one where they do not differ."""
    low, high = values.min(), values.max()
    scale = BINS / (high - low) if high > low else 0.0
    bins: NDArray[np.int64] = ((values - low) * scale).astype(np.int64)
    return bins.clip(max=BINS - 1)


def information(counts: NDArray[np.int64]) -> float:
    """The mutual information, nats, of the two variables of a contingency table."""
    joint = counts / counts.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / independent[seen])))
