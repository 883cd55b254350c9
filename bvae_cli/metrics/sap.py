"""The separated attribute predictability score (Kumar et al. 2018, section 3)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth

TRAIN, TEST = 10_000, 5_000


def sap(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """How much better one latent alone predicts a factor than any other alone.

    The classifier is a linear support vector machine, C = 0.01, classes balanced (Locatello et al. 2019, appendix C).

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images, and seeds the classifiers.
        train: how many images are learnt from.
        test: how many are tested on.

    Returns:
        `sap`: the gap in accuracy between the two best latents, a mean over factors, 0 to 1.
    """
    learnt, tested = truth.train_test_split(train, test, rng)
    seed = int(rng.integers(2**31))
    accuracies = [[accuracy(code, value, learnt, tested, seed) for value in truth.factors.T] for code in codes.T]
    return {"sap": float(np.mean(gap(np.array(accuracies))))}


def sap_continuous(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, samples: int = TRAIN
) -> dict[str, float]:
    """The same for factors whose values are measures: the squared correlation in place of the accuracy.

    Returns:
        `sap`: the gap between the two latents that correlate most, a mean over factors, 0 to 1.
    """
    indices = truth.sample(samples, rng)
    return {"sap": float(np.mean(gap(squared_correlation(codes[indices], truth.factors[indices]))))}


def accuracy(
    code: NDArray[np.float32], value: NDArray[np.int64], learnt: NDArray[np.int64], tested: NDArray[np.int64], seed: int
) -> float:
    """How often a linear classifier tells (images,) values from (images,) codes."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine = LinearSVC(C=0.01, class_weight="balanced", random_state=seed).fit(code[learnt, None], value[learnt])
    return float(machine.score(code[tested, None], value[tested]))


def squared_correlation(codes: NDArray[np.float32], factors: NDArray[np.int64]) -> NDArray[np.float64]:
    """(latents, factors): squared correlations of codes and factors; 0 where one does not vary."""
    one, other = (values - values.mean(axis=0, dtype=np.float64) for values in (codes, factors))
    scale = np.outer(np.square(one).sum(axis=0), np.square(other).sum(axis=0))
    return np.asarray(np.divide((one.T @ other) ** 2, scale, out=np.zeros_like(scale), where=scale > 0))
