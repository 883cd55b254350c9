"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2)."""

import math

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.boosting import boost
from bvae_cli.metrics.truth import Truth

TRAIN, TEST = 10_000, 5_000


def dci(
    codes: NDArray[np.float32], truth: Truth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """Which latents a classifier of each factor looks at.

    The classifiers are boosted trees as in Locatello et al. 2019, appendix C, but that codes are split at 63 of their
    quantiles, and not at every value; `dci_published` takes the very trees.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images, and seeds the trees.
        train: how many images are learnt from.
        test: how many are tested on.

    Returns:
        `dci_disentanglement`: whether a latent matters for one factor only, 0 to 1. `dci_completeness`: whether one
        latent alone matters for a factor, 0 to 1. `dci_informativeness`: the accuracy, a mean over factors.
    """
    learnt, tested = truth.split(train, test, rng)
    seed = int(rng.integers(2**31))
    boosted = [boost(codes[learnt], column[learnt], codes[tested], seed) for column in truth.factors.T]
    right = np.stack([one.predicted for one in boosted], axis=1) == truth.factors[tested]
    return scores(np.stack([one.importance for one in boosted], axis=1), float(right.mean()))


def dci_published(
    codes: NDArray[np.float32], truth: Truth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """The same with scikit-learn's GradientBoostingClassifier, as published: minutes; see `dci`."""
    from sklearn.ensemble import GradientBoostingClassifier

    learnt, tested = truth.split(train, test, rng)
    seed, importance, accuracies = int(rng.integers(2**31)), [], []
    for column in truth.factors.T:
        trees = GradientBoostingClassifier(random_state=seed).fit(codes[learnt], column[learnt])
        importance.append(np.abs(trees.feature_importances_))
        accuracies.append(trees.score(codes[tested], column[tested]))
    return scores(np.stack(importance, axis=1), float(np.mean(accuracies)))


def scores(importance: NDArray[np.float64], accuracy: float) -> dict[str, float]:
    """The three scores of (latents, factors) importance, and an accuracy."""
    return {
        "dci_disentanglement": disentanglement(importance),
        "dci_completeness": disentanglement(importance.T),
        "dci_informativeness": accuracy,
    }


def disentanglement(importance: NDArray[np.float64]) -> float:
    """1 − the entropy of each row, base its length, weighted by the row's mass: of (latents, factors) importance D.

    Of its transpose it is C. Rows of zeros weigh nothing.
    """
    mass = importance.sum(axis=1)
    if not mass.any():
        return 0.0
    shares = np.divide(importance, mass[:, None], out=np.zeros_like(importance), where=mass[:, None] > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    purity = 1 + (shares * logs).sum(axis=1) / math.log(importance.shape[1])
    return float(np.average(purity, weights=mass))
