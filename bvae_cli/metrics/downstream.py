"""Accuracy of predicting the factors from few or many labelled codes (Locatello et al. 2019, section 5.5)."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.boosting import boost
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.tasks import Task, run_tasks
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

SIZES = (10, 100, 1000, 10_000)  # labelled training images
TEST = 5_000
FEW, MANY = 100, 10_000  # labels whose accuracies the efficiency compares
FOLDS, STRENGTHS = 5, 10  # of the cross-validation that chooses the regularisation of the logistic regression
Classifier = Callable[[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int], NDArray[np.int64]]
"""Trains on codes and their classes, and predicts the classes of test codes; the seed breaks ties."""


def downstream_boosting(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    sizes: Sequence[int] = SIZES, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute the accuracy of boosted trees that predict each factor, by number of labels.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images, and seeds the trees.
        sizes: numbers of labelled training images; those that exceed the training images are left out.
        test: number of test images.
        report: progress callback, called once per factor and number of labels.

    Returns:
        `downstream_boosting_N`: test accuracy with N labels, averaged over factors, 0 to 1.
        `downstream_boosting_efficiency`: accuracy with 100 labels relative to that with 10,000.
    """
    scores = accuracies(predict_by_boosting, codes, truth, rng, sizes, test, report)
    return name_scores("downstream_boosting", scores)


def downstream_logistic(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    sizes: Sequence[int] = SIZES, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute the accuracy of a logistic regression that predicts each factor; see `downstream_boosting`.

    Its regularisation is chosen from ten strengths by cross-validation in five folds.

    Returns:
        `downstream_logistic_N` and `downstream_logistic_efficiency`.
    """
    scores = accuracies(predict_by_regression, codes, truth, rng, sizes, test, report)
    return name_scores("downstream_logistic", scores)


def accuracies(
    classifier: Classifier, codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    sizes: Sequence[int], test: int, report: ProgressCallback,
) -> dict[int, float]:  # fmt: skip
    """Return the test accuracy by number of labels, averaged over factors."""
    train_indices, test_indices = truth.train_test_split(max(sizes), test, rng)
    seed, scores = int(rng.integers(2**31)), {}
    sizes = [size for size in sizes if size <= len(train_indices)]
    tasks: list[Task] = [
        (codes[train_indices[:size]], column[train_indices[:size]], codes[test_indices], seed)
        for size in sizes
        for column in truth.factors.T
    ]
    correct = []
    for done, predictions in enumerate(run_tasks(classifier, tasks)):
        correct.append(np.mean(predictions == truth.factors[test_indices, done % len(truth.names)]))
        report("training classifiers", done + 1, len(tasks))
    for size, by_factor in zip(sizes, np.reshape(correct, (len(sizes), -1)), strict=True):
        scores[size] = float(by_factor.mean())
    return scores


def name_scores(name: str, scores: dict[int, float]) -> dict[str, float]:
    """Return the accuracies by name, and the efficiency if both of its accuracies are known."""
    named = {f"{name}_{size}": accuracy for size, accuracy in scores.items()}
    if FEW in scores and MANY in scores:
        named[f"{name}_efficiency"] = scores[FEW] / scores[MANY]
    return named


def predict_by_boosting(
    train_codes: NDArray[np.float32], train_values: NDArray[np.int64], test_codes: NDArray[np.float32], seed: int
) -> NDArray[np.int64]:
    """Return the classes of the test codes, (images,), predicted by boosted trees."""
    return boost(train_codes, train_values, test_codes, seed).predictions


def predict_by_regression(
    train_codes: NDArray[np.float32], train_values: NDArray[np.int64], test_codes: NDArray[np.float32], seed: int
) -> NDArray[np.int64]:
    """Return the classes of the test codes, (images,), predicted by logistic regression; it has no use of the seed."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    if len(np.unique(train_values)) == 1:
        return np.full(len(test_codes), train_values[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit did not converge, and future changes of defaults
        model = LogisticRegressionCV(Cs=STRENGTHS, cv=KFold(FOLDS)).fit(train_codes, train_values)
    return np.asarray(model.predict(test_codes))
