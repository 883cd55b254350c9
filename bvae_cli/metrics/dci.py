"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2)."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.boosting import BoostingResult, boost
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.tasks import run_tasks
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

TRAIN, TEST = 10_000, 5_000
Classifier = Callable[[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int], BoostingResult]
"""Trains on codes and their values, and predicts the values of test codes; the seed breaks ties."""


def dci(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute DCI from the feature importances of boosted trees (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images, and seeds the trees.
        train: number of training images.
        test: number of test images.
        report: progress callback, called once per factor.

    Returns:
        `dci_disentanglement`: degree to which each latent is important for a single factor, 0 to 1.
        `dci_completeness`: degree to which each factor depends on a single latent, 0 to 1.
        `dci_informativeness`: test accuracy, averaged over factors, 0 to 1.
    """
    return dci_with(boost, codes, truth, rng, train, test, report)


def dci_published(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute `dci` with the classifier of the published scores, that of scikit-learn; it takes minutes."""
    return dci_with(sklearn_boost, codes, truth, rng, train, test, report)


def sklearn_boost(
    train_codes: NDArray[np.float32], train_values: NDArray[np.int64], test_codes: NDArray[np.float32], seed: int
) -> BoostingResult:
    """Return importances and predictions of scikit-learn's classifier; see `boost`."""
    from sklearn.ensemble import GradientBoostingClassifier

    trees = GradientBoostingClassifier(random_state=seed).fit(train_codes, train_values)
    return BoostingResult(trees.feature_importances_, trees.predict(test_codes))


def dci_with(
    classifier: Classifier, codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int, test: int, report: ProgressCallback,
) -> dict[str, float]:  # fmt: skip
    """Compute the scores with a classifier; large tasks are divided over processes, one factor each."""
    train_indices, test_indices = truth.train_test_split(train, test, rng)
    seed, importance, accuracy = int(rng.integers(2**31)), [], []
    tasks = [(codes[train_indices], column[train_indices], codes[test_indices], seed) for column in truth.factors.T]
    for column, result in zip(truth.factors.T, run_tasks(classifier, tasks), strict=True):
        importance.append(result.importance)
        accuracy.append(np.mean(result.predictions == column[test_indices]))
        report("growing trees", len(accuracy), len(truth.names))
    return dci_scores(np.stack(importance, axis=1), float(np.mean(accuracy)))


def dci_scores(importance: NDArray[np.float64], accuracy: float) -> dict[str, float]:
    """Return the three scores, from a (latents, factors) importance matrix and an accuracy."""
    return {
        "dci_disentanglement": disentanglement(importance),
        "dci_completeness": disentanglement(importance.T),
        "dci_informativeness": accuracy,
    }


def disentanglement(importance: NDArray[np.float64]) -> float:
    """Return disentanglement D of a (latents, factors) importance matrix, or completeness C of its transpose.

    D is 1 − entropy of each row, normalised to a distribution, with the row length as base of the logarithm. Rows are
    weighted by their sums, so that rows of zeros do not count.
    """
    mass = importance.sum(axis=1)
    if not mass.any():
        return 0.0
    shares = np.divide(importance, mass[:, None], out=np.zeros_like(importance), where=mass[:, None] > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    purity = 1 + (shares * logs).sum(axis=1) / math.log(importance.shape[1])
    return float(np.average(purity, weights=mass))
