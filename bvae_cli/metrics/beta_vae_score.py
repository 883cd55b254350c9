"""The β-VAE metric (Higgins et al. 2017, section 3 and algorithm 1)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

PAIRS = 64  # a point is a mean over so many pairs
TRAIN, TEST = 10_000, 5_000  # points
POINTS_PER_BLOCK = 500  # points made at once, for the sake of memory


def beta_vae_score(codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator) -> dict[str, float]:
    """How well a linear classifier tells which factor two batches agree in, pair by pair.

    Settings are those of Locatello et al. 2019, appendix C. Chance is 1 / factors.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws factors and pairs.

    Returns:
        `beta_vae_score`: the accuracy on points not trained on, 0 to 1.

    Raises:
        BvaeError: there is a factor in which no two images agree.
    """
    return {"beta_vae_score": accuracy(codes, truth, rng)}


def accuracy(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    pairs: int = PAIRS, train: int = TRAIN, test: int = TEST,
) -> float:  # fmt: skip
    """The accuracy with batches of so many pairs, on so many points."""
    from sklearn.linear_model import LogisticRegression  # it takes a second, which who trains need not wait

    classifier = LogisticRegression(max_iter=1000).fit(*sample_points(codes, truth, pairs, train, rng))
    return float(classifier.score(*sample_points(codes, truth, pairs, test, rng)))


def sample_points(
    codes: NDArray[np.float32], truth: GroundTruth, pairs: int, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (count, latents), the mean distance of pairs in each latent, and labels (count,), what they agree in."""
    labels = rng.integers(len(truth.names), size=count)
    features = np.empty((count, codes.shape[1]), np.float32)
    for factor in range(len(truth.names)):
        places = np.flatnonzero(labels == factor)
        for indices in np.array_split(places, len(places) // POINTS_PER_BLOCK + 1):
            features[indices] = mean_distance(codes, truth, factor, (len(indices), pairs), rng)
    return features, labels


def mean_distance(
    codes: NDArray[np.float32], truth: GroundTruth, factor: int, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """(points, latents): the mean of |z1 − z2| over pairs that agree in `factor`; `shape` is (points, pairs)."""
    first = truth.sample(shape[0] * shape[1], rng).reshape(shape)
    second = truth.sample_sharing_factor(first, factor, rng)
    return np.asarray(np.abs(codes[first] - codes[second]).mean(axis=1))
