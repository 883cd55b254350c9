"""Unfairness of predictions from a representation.

Locatello et al. 2019, "On the Fairness of Disentangled Representations", section 4.
"""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.downstream import predict_by_boosting
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.tasks import Task, run_tasks
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

TRAIN = 10_000
IMAGES_PER_VALUE = 100  # of a sensitive factor


def unfairness(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, per_value: int = IMAGES_PER_VALUE, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute how far predictions of one factor depend on another, sensitive one.

    Boosted trees predict the target. The distribution of their predictions at each value of the sensitive factor is
    compared with that at all values, by total variation. Distributions of few predictions differ by chance: the
    same distance for predictions in random order, the null baseline, is computed beside it.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images, two or more.
        rng: samples images, and seeds the trees.
        train: maximum number of training images.
        per_value: number of images of each value of a sensitive factor.
        report: progress callback, called once per target.

    Returns:
        `unfairness`: total variation, averaged over values and over pairs of target and sensitive factor, 0 to 1.
        `unfairness_null`: the same for predictions in random order.
    """
    train_indices = truth.sample_distinct(train, rng)
    images = [sample_by_value(truth, factor, per_value, rng) for factor in range(len(truth.names))]
    ends, seed = np.cumsum([len(indices) for indices in images]), int(rng.integers(2**31))
    test_codes = codes[np.concatenate(images)]
    tasks: list[Task] = [(codes[train_indices], column[train_indices], test_codes, seed) for column in truth.factors.T]
    distances, null = [], []
    for target, predictions in enumerate(run_tasks(predict_by_boosting, tasks)):
        for sensitive, group in enumerate(np.split(predictions, ends[:-1])):
            if sensitive != target:
                distances.append(mean_total_variation(group.reshape(-1, per_value)))
                null.append(mean_total_variation(rng.permutation(group).reshape(-1, per_value)))
        report("training classifiers", target + 1, len(tasks))
    return {"unfairness": float(np.mean(distances)), "unfairness_null": float(np.mean(null))}


def sample_by_value(truth: GroundTruth, factor: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices of `count` random images of each value of a factor in turn, sampled with replacement."""
    ends = np.cumsum(truth.counts[factor])
    pools = np.split(truth.sorted[factor], ends[:-1])
    return np.concatenate([rng.choice(pool, count) for pool in pools])


def mean_total_variation(predictions: NDArray[np.int64]) -> float:
    """Return the mean distance of the distribution of each row of (values, images) classes to that of all rows."""
    size = int(predictions.max()) + 1
    shares = np.stack([np.bincount(row, minlength=size) for row in predictions]) / predictions.shape[1]
    return float(np.abs(shares - shares.mean(axis=0)).sum(axis=1).mean() / 2)
