"""Strong generalisation under covariate shift (Locatello et al. 2020, section 5.3)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.downstream import predict_by_boosting
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.tasks import Task, run_tasks
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

TRAIN, TEST = 10_000, 5_000
DRAWS = 10  # shifts per predicted factor


def strong_generalisation(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, test: int = TEST, draws: int = DRAWS, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute how well boosted trees predict a factor where another one has values that they were not trained on.

    In each shift, a random other factor has one random value in all training images, and any other value in the test
    images. The accuracy is compared with that of trees that are trained and tested without a shift.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images, two or more.
        rng: samples images and shifts, and seeds the trees.
        train: maximum number of training images.
        test: maximum number of test images.
        draws: number of shifts per predicted factor.
        report: progress callback, called once per classifier.

    Returns:
        `strong_generalisation_accuracy`: test accuracy under a shift, averaged over factors and shifts, 0 to 1.
        `strong_generalisation_gap`: 1 − that accuracy / the accuracy without a shift.
    """
    seed, factors = int(rng.integers(2**31)), truth.factors
    tasks: list[Task] = []
    expected, is_shifted = [], []
    for target in range(len(truth.names)):
        splits = [
            truth.train_test_split(train, test, rng),
            *(shift(truth, target, train, test, rng) for _ in range(draws)),
        ]
        for number, (train_indices, test_indices) in enumerate(splits):
            tasks.append((codes[train_indices], factors[train_indices, target], codes[test_indices], seed))
            expected.append(factors[test_indices, target])
            is_shifted.append(number > 0)
    accuracy = []
    for values, predictions in zip(expected, run_tasks(predict_by_boosting, tasks), strict=True):
        accuracy.append(np.mean(predictions == values))
        report("training classifiers", len(accuracy), len(tasks))
    shifted, usual = (float(np.mean(np.array(accuracy)[np.array(is_shifted) == side])) for side in (True, False))
    return {"strong_generalisation_accuracy": shifted, "strong_generalisation_gap": 1 - shifted / usual}


def shift(
    truth: GroundTruth, target: int, train: int, test: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of training images in which a factor other than `target` is fixed, and of test images."""
    factor = int(rng.choice([other for other in range(len(truth.names)) if other != target]))
    column = truth.factors[:, factor]
    is_fixed = column == rng.integers(truth.sizes[factor])
    pools = np.flatnonzero(is_fixed), np.flatnonzero(~is_fixed)
    return rng.permutation(pools[0])[:train], rng.permutation(pools[1])[:test]
