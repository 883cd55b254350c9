"""Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2)."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.boosting import BoostingResult, boost
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.system.parallel import in_processes
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

TRAIN, TEST = 10_000, 5_000
Classifier = Callable[[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int], BoostingResult]
"""Learns values of codes and predicts those of others; a seed decides what chance does."""


def dci(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Which latents a classifier of each factor looks at: boosted trees, as in Locatello et al. 2019, appendix C.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images, and seeds the trees.
        train: how many images are learnt from.
        test: how many are tested on.
        report: says how many factors are done.

    Returns:
        `dci_disentanglement`: whether a latent matters for one factor only, 0 to 1. `dci_completeness`: whether one
        latent alone matters for a factor, 0 to 1. `dci_informativeness`: the accuracy, a mean over factors.
    """
    return dci_with(boost, codes, truth, rng, train, test, report)


def dci_published(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """The same by the very classifier of the published scores, scikit-learn's: minutes; see `dci`."""
    return dci_with(sklearn_boost, codes, truth, rng, train, test, report)


def sklearn_boost(
    learnt: NDArray[np.float32], values: NDArray[np.int64], tested: NDArray[np.float32], seed: int
) -> BoostingResult:
    """As `boost`."""
    from sklearn.ensemble import GradientBoostingClassifier

    trees = GradientBoostingClassifier(random_state=seed).fit(learnt, values)
    return BoostingResult(trees.feature_importances_, trees.predict(tested))


def dci_with(
    classifier: Classifier, codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int, test: int, report: ProgressCallback,
) -> dict[str, float]:  # fmt: skip
    """The scores by a classifier, which learns each factor in a process of its own."""
    learnt, tested = truth.train_test_split(train, test, rng)
    seed, importance, accuracy = int(rng.integers(2**31)), [], []
    work = [(codes[learnt], column[learnt], codes[tested], seed) for column in truth.factors.T]
    for column, boosted in zip(truth.factors.T, in_processes(classifier, work), strict=True):
        importance.append(boosted.importance)
        accuracy.append(np.mean(boosted.predictions == column[tested]))
        report("growing trees", len(accuracy), len(truth.names))
    return dci_scores(np.stack(importance, axis=1), float(np.mean(accuracy)))


def dci_scores(importance: NDArray[np.float64], accuracy: float) -> dict[str, float]:
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
