"""The separated attribute predictability (SAP) score (Kumar et al. 2018, section 3)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth

TRAIN, TEST = 10_000, 5_000


def sap(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """Compute the gap in accuracy between the two single latents that best predict each factor.

    The classifier is a linear support vector machine, C = 0.01, classes balanced (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images, and seeds the classifiers.
        train: number of training images.
        test: number of test images.

    Returns:
        `sap`: the gap in test accuracy, averaged over factors, 0 to 1.
    """
    split = truth.train_test_split(train, test, rng)
    seed = int(rng.integers(2**31))
    accuracies = [[accuracy(code, value, *split, seed) for value in truth.factors.T] for code in codes.T]
    return {"sap": float(np.mean(gap(np.array(accuracies))))}


def sap_continuous(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = TRAIN
) -> dict[str, float]:
    """Compute SAP of continuous factors: the squared correlation replaces the accuracy.

    Returns:
        `sap`: the gap in squared correlation between the two best latents, averaged over factors, 0 to 1.
    """
    indices = truth.sample(samples, rng)
    return {"sap": float(np.mean(gap(squared_correlation(codes[indices], truth.factors[indices]))))}


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


def squared_correlation(codes: NDArray[np.float32], factors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the squared correlations of codes and factors, (latents, factors); 0 if one of both is constant."""
    one, other = (values - values.mean(axis=0, dtype=np.float64) for values in (codes, factors))
    scale = np.outer(np.square(one).sum(axis=0), np.square(other).sum(axis=0))
    return np.asarray(np.divide((one.T @ other) ** 2, scale, out=np.zeros_like(scale), where=scale > 0))
