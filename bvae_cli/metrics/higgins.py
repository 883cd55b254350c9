"""The β-VAE metric (Higgins et al. 2017, section 3 and algorithm 1)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PAIRS = 64  # a point is a mean over so many pairs
TRAIN_POINTS = 10_000
TEST_POINTS = 5_000


def higgins(codes: NDArray[np.float32], grid: Sequence[int], rng: np.random.Generator) -> dict[str, float]:
    """How well a linear classifier tells which factor two batches agree in, pair by pair.

    Settings are those of Locatello et al. 2019, appendix C. Chance is 1 / factors.

    Args:
        codes: (images, latents), the code of every image of the grid, the last factor varying fastest.
        grid: how many values each factor has.
        rng: draws factors and pairs.

    Returns:
        `higgins`: the accuracy on points not trained on, 0 to 1.
    """
    from sklearn.linear_model import LogisticRegression  # it takes a second, which who trains need not wait

    features, labels = points(codes, grid, TRAIN_POINTS, rng)
    classifier = LogisticRegression(max_iter=1000).fit(features, labels)
    return {"higgins": float(classifier.score(*points(codes, grid, TEST_POINTS, rng)))}


def points(
    codes: NDArray[np.float32], grid: Sequence[int], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (count, latents), the mean distance of pairs in each latent, and labels (count,), what they agree in."""
    varied = np.flatnonzero(np.asarray(grid) > 1)  # all pairs agree in a factor of one value
    labels = rng.choice(varied, size=count)
    features = np.stack([mean_distance(codes, grid, factor, rng) for factor in labels])
    return features, labels


def mean_distance(
    codes: NDArray[np.float32], grid: Sequence[int], factor: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(latents,): the mean over pairs, which agree in `factor` alone for sure, of |z1 − z2|."""
    first, second = rng.integers(grid, size=(2, PAIRS, len(grid))).transpose(0, 2, 1)  # each (factors, pairs)
    second[factor] = first[factor]
    one, other = (codes[np.ravel_multi_index(tuple(values), tuple(grid))] for values in (first, second))
    return np.asarray(np.abs(one - other).mean(axis=0))
