"""The FactorVAE metric (Kim & Mnih 2018, section 4)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

BATCH = 64  # images that share a factor's value
TRAIN, TEST = 10_000, 5_000  # points
REFERENCE = 10_000  # images for the global variance of each latent
MIN_STD = 0.05  # latents below are dropped (Locatello et al. 2019, appendix C)
POINTS_PER_BLOCK = 500  # computed at once, to bound memory


def factor_vae_score(codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator) -> dict[str, float]:
    """Compute the accuracy of predicting the fixed factor from the lowest-variance latent, by majority vote.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples factors and images.

    Returns:
        `factor_vae_score`: test accuracy, 0 to 1; 0 if every latent is below `MIN_STD`.

    Raises:
        BvaeError: no two images share the value of some factor.
    """
    return {"factor_vae_score": accuracy(codes, truth, rng)}


def accuracy(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    batch: int = BATCH, train: int = TRAIN, test: int = TEST, reference: int = REFERENCE,
) -> float:  # fmt: skip
    """Return the test accuracy, with `batch` images per point and `train` and `test` points."""
    std = codes[truth.sample(reference, rng)].std(axis=0, ddof=1)
    is_active = std >= MIN_STD
    if not is_active.any():
        return 0.0
    scaled = codes[:, is_active] / std[is_active]
    votes = count_votes(scaled, truth, batch, train, rng)
    test_votes = count_votes(scaled, truth, batch, test, rng)
    return float(test_votes[votes.argmax(axis=0), np.arange(votes.shape[1])].sum() / test)


def count_votes(
    scaled: NDArray[np.float32], truth: GroundTruth, batch: int, points: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Count points by fixed factor and lowest-variance latent, (factors, latents)."""
    table = np.zeros((len(truth.names), scaled.shape[1]), np.int64)
    for factor, share in enumerate(rng.multinomial(points, np.full(len(table), 1 / len(table)))):
        for start in range(0, share, POINTS_PER_BLOCK):
            latents = lowest_variance_latent(scaled, truth, factor, (min(POINTS_PER_BLOCK, share - start), batch), rng)
            table[factor] += np.bincount(latents, minlength=table.shape[1])
    return table


def lowest_variance_latent(
    scaled: NDArray[np.float32], truth: GroundTruth, factor: int, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the lowest-variance latent of images that share a factor, (points,); `shape` is (points, batch)."""
    value = np.broadcast_to(truth.sample(shape[0], rng)[:, None], shape)
    images = truth.sample_sharing_factor(value, factor, rng)
    return np.asarray(scaled[images].var(axis=1, ddof=1).argmin(axis=1))
