"""Gradient-boosted classification trees (Friedman 2001, algorithm 6).

The trees are those of scikit-learn's GradientBoostingClassifier, and grow more than ten times as fast: the images are
sorted by each feature once, and both sides of a split inherit the order (Mehta et al. 1996). scikit-learn sorts them
at each node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

STAGES, LEARNING_RATE, DEPTH = 100, 0.1, 3  # scikit-learn's defaults
MIN_DIFFERENCE = 1e-7  # closer values are not split, as in scikit-learn
MIN_GAIN = 1e-12  # smaller gains of a split are rounding errors

Order: TypeAlias = NDArray[np.intp]
"""(features, images): indices of the images at a node, sorted by each feature."""
Splits: TypeAlias = tuple[float, NDArray[np.intp], NDArray[np.intp]]
"""The best gain, the features that attain it, and for each the position in the order of the last image on the left."""


@dataclass(frozen=True)
class BoostingResult:
    """Feature importances and predictions of a boosted classifier."""

    importance: NDArray[np.float64]  # (features,), relative gain of the splits by each feature; sums to 1, or to 0
    predictions: NDArray[np.int64]  # (test images,)


@dataclass(frozen=True)
class TrainingSet:
    """The training data of all trees of a classifier."""

    codes: NDArray[np.float64]  # (features, images)
    classes: int
    rng: np.random.Generator


@dataclass(frozen=True)
class Leaf:
    """A leaf of a regression tree."""

    value: float


@dataclass(frozen=True)
class Split:
    """An inner node of a regression tree."""

    feature: int
    threshold: float  # values ≤ threshold go left
    gain: float  # decrease in squared error
    left: Split | Leaf
    right: Split | Leaf


def boost(
    train_codes: NDArray[np.float32], train_values: NDArray[np.int64], test_codes: NDArray[np.float32], seed: int
) -> BoostingResult:
    """Train a classifier of `train_values`, class indices, on (images, features) codes and predict the test codes.

    If several features have exactly the same gain at a split, one of them is chosen at random.
    """
    codes = np.concatenate([train_codes, test_codes]).T.astype(np.float64, order="C")
    target = np.eye(train_values.max() + 1)[train_values].T  # (classes, training images)
    training_set = TrainingSet(codes[:, : len(train_codes)], len(target), np.random.default_rng(seed))
    order, gains = sort_by_feature(training_set.codes), np.zeros(len(codes))
    # (classes, training and test images)
    score = np.repeat(np.log(target.mean(axis=1).clip(1e-9))[:, None], codes.shape[1], axis=1)
    for _ in range(STAGES):
        residuals = target - softmax(score[:, : len(train_codes)])
        for class_index, residual in enumerate(residuals):
            tree = grow_tree(order, residual, DEPTH, training_set)
            score[class_index] += LEARNING_RATE * predict(tree, codes)
            add_gains(tree, gains)
    return BoostingResult(gains / max(gains.sum(), MIN_GAIN), score[:, len(train_codes) :].argmax(axis=0))


def sort_by_feature(codes: NDArray[np.float64]) -> Order:
    """Return the order of all images of (features, images) codes, that of the root node."""
    return np.argsort(codes, axis=1, kind="stable")


def softmax(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return class probabilities, (classes, images)."""
    likelihood = np.exp(score - score.max(axis=0))
    return np.asarray(likelihood / likelihood.sum(axis=0))


def grow_tree(order: Order, residual: NDArray[np.float64], depth: int, training_set: TrainingSet) -> Split | Leaf:
    """Grow a regression tree of at most `depth` levels on the (all images,) residual of one class."""
    gain = 0.0
    if depth and order.shape[1] > 1:
        gain, features, positions = find_best_splits(order, residual, training_set)
    if gain <= MIN_GAIN:
        return Leaf(newton_step(residual[order[0]], training_set.classes))
    chosen = training_set.rng.choice(len(features))
    feature, position = features[chosen], positions[chosen]
    left, right = partition(order if depth > 1 else order[:1], order[feature, : position + 1], len(residual))
    threshold = training_set.codes[feature, order[feature, position : position + 2]].mean()
    branches = (grow_tree(side, residual, depth - 1, training_set) for side in (left, right))
    return Split(int(feature), float(threshold), gain, *branches)


def find_best_splits(order: Order, residual: NDArray[np.float64], training_set: TrainingSet) -> Splits:
    """Return the largest gain, the features that attain it, and the position in each one's order to split after."""
    gain = split_gains(order, residual)
    best, is_checked = gain.max(axis=1), np.zeros(len(gain), dtype=bool)
    while not is_checked[features := np.flatnonzero(best == best.max())].all():
        # Only the features with the largest gain are checked for equal values, which takes time.
        codes = training_set.codes[features[:, None], order[features]]
        gain[features] *= codes[:, 1:] - codes[:, :-1] > MIN_DIFFERENCE  # equal values stay on one side
        best[features] = gain[features].max(axis=1)
        is_checked[features] = True
    return float(best.max()), features, gain[features].argmax(axis=1)


def partition(order: Order, left_images: NDArray[np.intp], num_images: int) -> tuple[Order, Order]:
    """Split an order into that of `left_images` and that of the others; both stay sorted by each feature."""
    is_left = np.zeros(num_images, dtype=bool)
    is_left[left_images] = True
    mask = is_left.take(order).ravel()
    left, right = (order.take(np.flatnonzero(side)).reshape(len(order), -1) for side in (mask, ~mask))
    return left, right


def split_gains(order: Order, residual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the decrease in squared error of a split after each image in the order, (features, images - 1)."""
    images = order.shape[1]
    left = torch.from_numpy(residual.take(order)).cumsum(1).numpy()  # numpy's cumsum takes three times as long
    mean, count, gain = left[0, -1] / images, np.arange(1, images), left[:, :-1]
    gain -= count * mean  # deviation of the partial sums from those of the mean
    gain *= gain
    gain *= images / (count * (images - count))
    return np.asarray(gain)


def newton_step(residual: NDArray[np.float64], classes: int) -> float:
    """Return a leaf's value: one Newton step on the multinomial deviance of its images."""
    curvature = float((abs(residual) * (1 - abs(residual))).sum())
    return (classes - 1) / classes * float(residual.sum()) / curvature if curvature > MIN_GAIN else 0.0


def predict(tree: Split | Leaf, codes: NDArray[np.float64]) -> NDArray[np.float64] | float:
    """Return the tree's value at each image of (features, images) codes."""
    if isinstance(tree, Leaf):
        return tree.value
    left = codes[tree.feature] <= tree.threshold
    return np.where(left, predict(tree.left, codes), predict(tree.right, codes))


def add_gains(tree: Split | Leaf, gains: NDArray[np.float64]) -> None:
    """Add the gain of each split to that of its feature, in place."""
    if isinstance(tree, Split):
        gains[tree.feature] += tree.gain
        add_gains(tree.left, gains)
        add_gains(tree.right, gains)
