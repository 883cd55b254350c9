"""The β-VAE metric (Higgins et al. 2017, section 3 and algorithm 1)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

PAIRS = 64  # averaged into one point
TRAIN, TEST = 10_000, 5_000  # points
POINTS_PER_BLOCK = 500  # computed at once, to bound memory


def beta_vae_score(codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator) -> dict[str, float]:
    """Compute the accuracy of a linear classifier that predicts the factor shared by two batches, pair by pair.

    Settings are those of Locatello et al. 2019, appendix C. Chance level is 1 / number of factors.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples factors and pairs.

    Returns:
        `beta_vae_score`: test accuracy, 0 to 1.

    Raises:
        BvaeError: no two images share the value of some factor.
    """
    return {"beta_vae_score": accuracy(codes, truth, rng)}


def accuracy(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    pairs: int = PAIRS, train: int = TRAIN, test: int = TEST,
) -> float:  # fmt: skip
    """Return the test accuracy, with `pairs` pairs per point and `train` and `test` points."""
    from sklearn.linear_model import LogisticRegression  # a second to import, not needed for training

    classifier = LogisticRegression(max_iter=1000).fit(*sample_points(codes, truth, pairs, train, rng))
    return float(classifier.score(*sample_points(codes, truth, pairs, test, rng)))


def sample_points(
    codes: NDArray[np.float32], truth: GroundTruth, pairs: int, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features (count, latents), the mean |z₁ − z₂| over pairs, and labels (count,), the shared factors."""
    labels = rng.integers(len(truth.names), size=count)
    features = np.empty((count, codes.shape[1]), np.float32)
    for factor in range(len(truth.names)):
        points = np.flatnonzero(labels == factor)
        for indices in np.array_split(points, len(points) // POINTS_PER_BLOCK + 1):
            features[indices] = mean_distance(codes, truth, factor, (len(indices), pairs), rng)
    return features, labels


def mean_distance(
    codes: NDArray[np.float32], truth: GroundTruth, factor: int, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the mean |z₁ − z₂| over pairs that share `factor`, (points, latents); `shape` is (points, pairs)."""
    first = truth.sample(shape[0] * shape[1], rng).reshape(shape)
    second = truth.sample_sharing_factor(first, factor, rng)
    return np.asarray(np.abs(codes[first] - codes[second]).mean(axis=1))
