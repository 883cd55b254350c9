"""Explicitness (Ridgeway & Mozer 2018, section 4)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

TRAIN, TEST = 10_000, 5_000


def explicitness(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator, train: int = TRAIN, test: int = TEST
) -> dict[str, float]:
    """How well a logistic regression on all latents tells each value of each factor.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws images.
        train: how many images are learnt from.
        test: how many are tested on.

    Returns:
        `explicitness`: the area under the ROC curve of each value against the others, a mean over values and factors;
        0.5 is chance, 1 the best.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learnt, tested = truth.train_test_split(train, test, rng)
    areas = []
    for column in truth.factors.T:
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        classifier.fit(codes[learnt], column[learnt])
        areas.append(mean_roc_auc(classifier.predict_proba(codes[tested]), column[tested], classifier.classes_))
    return {"explicitness": float(np.mean(areas))}


def mean_roc_auc(probabilities: NDArray[np.float64], values: NDArray[np.int64], classes: NDArray[np.int64]) -> float:
    """The mean area under the ROC curves of (images, classes) probabilities, of classes that occur, but not alone."""
    from sklearn.metrics import roc_auc_score

    areas = [
        roc_auc_score(values == value, probability)
        for value, probability in zip(classes, probabilities.T, strict=True)
        if 0 < np.count_nonzero(values == value) < len(values)
    ]
    return float(np.mean(areas))
