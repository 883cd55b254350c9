"""Explicitness (Ridgeway & Mozer 2018, section 4)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

TRAIN, TEST = 10_000, 5_000


def explicitness(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """Compute how well a logistic regression on all latents predicts the values of each factor.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images.
        train: number of training images.
        test: number of test images.

    Returns:
        `explicitness`: area under the ROC curve of each value against the others, averaged over values and factors;
        chance level 0.5, best 1.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train_indices, test_indices = truth.train_test_split(train, test, rng)
    areas = []
    for column in truth.factors.T:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        classifier.fit(codes[train_indices], column[train_indices])
        areas.append(
            mean_roc_auc(classifier.predict_proba(codes[test_indices]), column[test_indices], classifier.classes_)
        )
    return {"explicitness": float(np.mean(areas))}


def mean_roc_auc(probabilities: NDArray[np.float64], values: NDArray[np.int64], classes: NDArray[np.int64]) -> float:
    """Return the mean one-vs-rest ROC AUC of (images, classes) probabilities.

    Classes without positive or without negative test images are left out.
    """
    from sklearn.metrics import roc_auc_score

    areas = [
        roc_auc_score(values == value, probability)
        for value, probability in zip(classes, probabilities.T, strict=True)
        if 0 < np.count_nonzero(values == value) < len(values)
    ]
    return float(np.mean(areas))
