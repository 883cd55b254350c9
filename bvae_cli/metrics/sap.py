"""The separated attribute predictability (SAP) score (Kumar et al. 2018, section 3)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.correlation import squared_correlation
from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth

TRAIN, TEST = 10_000, 5_000


def sap(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """Compute the gap in accuracy between the two single latents that best predict each factor.

    The classifier is a linear support vector machine, C = 0.01, classes balanced (Locatello et al. 2019, appendix C).
    The accuracy for a continuous factor is R², that of a linear regression on the training images, which is the squared
    correlation (Kumar et al. 2018, section 3).

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images, and seeds the classifiers.
        train: number of training images.
        test: number of test images.

    Returns:
        `sap`: the gap in test accuracy or R², averaged over factors, 0 to 1.
    """
    split = truth.train_test_split(train, test, rng)
    seed = int(rng.integers(2**31))
    scores = squared_correlation(codes[split[0]], truth.values[split[0]])
    for factor in np.flatnonzero(~np.array(truth.is_continuous)):
        scores[:, factor] = [accuracy(code, truth.factors[:, factor], *split, seed) for code in codes.T]
    return {"sap": float(np.mean(gap(scores)))}


def accuracy(
    code: NDArray[np.float32],
    value: NDArray[np.int64],
    train_indices: NDArray[np.int64],
    test_indices: NDArray[np.int64],
    seed: int,
) -> float:
    """Return the test accuracy of a linear classifier that predicts (images,) values from (images,) codes."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
        classifier.fit(code[train_indices, None], value[train_indices])
    return float(classifier.score(code[test_indices, None], value[test_indices]))
