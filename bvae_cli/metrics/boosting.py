"""Gradient-boosted classification trees (Friedman 2001, algorithm 6).

They are those of scikit-learn's GradientBoostingClassifier, more than ten times as fast: the images are sorted by each
feature once, and a split hands the order down (Mehta et al. 1996), where scikit-learn sorts each node anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

STAGES, LEARNING_RATE, DEPTH = 100, 0.1, 3  # scikit-learn's defaults
SAME = 1e-7  # values no further apart are not split, as there
NO_GAIN = 1e-12  # of a split that is only rounding

Order: TypeAlias = NDArray[np.intp]
"""(features, images): the numbers of the images that come to one place in a tree, sorted by each feature."""
Splits: TypeAlias = tuple[float, NDArray[np.intp], NDArray[np.intp]]
"""A gain, the features that give it, and for each after how many images less one."""


@dataclass(frozen=True)
class BoostingResult:
    """What came of boosting."""

    importance: NDArray[np.float64]  # (features,), what the splits by each feature gain; adds up to 1, or to 0
    predictions: NDArray[np.int64]  # (tested,)


@dataclass(frozen=True)
class TrainingSet:
    """What all trees of a classifier learn from."""

    codes: NDArray[np.float64]  # (features, images)
    classes: int
    rng: np.random.Generator


@dataclass(frozen=True)
class Leaf:
    """The end of a branch."""

    value: float


@dataclass(frozen=True)
class Split:
    """Where a tree branches."""

    feature: int
    threshold: float  # on the left is what is not above it
    gain: float  # decrease of the squared error
    left: Split | Leaf
    right: Split | Leaf


def boost(
    learnt: NDArray[np.float32], values: NDArray[np.int64], tested: NDArray[np.float32], seed: int
) -> BoostingResult:
    """Learn `values`, numbers from 0, from (images, features) and predict those of others.

    Of features that gain exactly the same, chance takes one at each split.
    """
    codes = np.concatenate([learnt, tested]).T.astype(np.float64, order="C")
    target = np.eye(values.max() + 1)[values].T  # (classes, learnt)
    training_set = TrainingSet(codes[:, : len(learnt)], len(target), np.random.default_rng(seed))
    order, gains = sorted_by_feature(training_set.codes), np.zeros(len(codes))
    score = np.repeat(np.log(target.mean(axis=1).clip(1e-9))[:, None], codes.shape[1], axis=1)  # of learnt and tested
    for _ in range(STAGES):
        residuals = target - softmax(score[:, : len(learnt)])
        for number, residual in enumerate(residuals):
            tree = grow_tree(order, residual, DEPTH, training_set)
            score[number] += LEARNING_RATE * predict(tree, codes)
            add_gains(tree, gains)
    return BoostingResult(gains / max(gains.sum(), NO_GAIN), score[:, len(learnt) :].argmax(axis=0))


def sorted_by_feature(codes: NDArray[np.float64]) -> Order:
    """All images of (features, images), as they come to the root."""
    return np.argsort(codes, axis=1, kind="stable")


def softmax(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """(classes, images): probabilities."""
    likelihood = np.exp(score - score.max(axis=0))
    return np.asarray(likelihood / likelihood.sum(axis=0))


def grow_tree(order: Order, residual: NDArray[np.float64], depth: int, training_set: TrainingSet) -> Split | Leaf:
    """A tree of at most so many levels that tells the (all images,) residual of one class."""
    gain = 0.0
    if depth and order.shape[1] > 1:
        gain, features, places = best_splits(order, residual, training_set)
    if gain <= NO_GAIN:
        return Leaf(newton_step(residual[order[0]], training_set.classes))
    chosen = training_set.rng.choice(len(features))
    feature, place = features[chosen], places[chosen]
    left, right = partition(order if depth > 1 else order[:1], order[feature, : place + 1], len(residual))
    threshold = training_set.codes[feature, order[feature, place : place + 2]].mean()
    branches = (grow_tree(side, residual, depth - 1, training_set) for side in (left, right))
    return Split(int(feature), float(threshold), gain, *branches)


def best_splits(order: Order, residual: NDArray[np.float64], training_set: TrainingSet) -> Splits:
    """The greatest gain, the features that give it, and the place in the order of each after which it parts."""
    gain = gains_of_splits(order, residual)
    best, is_checked = gain.max(axis=1), np.zeros(len(gain), dtype=bool)
    while not is_checked[features := np.flatnonzero(best == best.max())].all():
        codes = training_set.codes[features[:, None], order[features]]  # of those features alone that lead
        gain[features] *= codes[:, 1:] - codes[:, :-1] > SAME  # equal values are not parted
        best[features] = gain[features].max(axis=1)
        is_checked[features] = True
    return float(best.max()), features, gain[features].argmax(axis=1)


def partition(order: Order, inside: NDArray[np.intp], images: int) -> tuple[Order, Order]:
    """Those of so many images that are inside, and the others, each in the same order."""
    chosen = np.zeros(images, dtype=bool)
    chosen[inside] = True
    here = chosen.take(order).ravel()
    left, right = (order.take(np.flatnonzero(side)).reshape(len(order), -1) for side in (here, ~here))
    return left, right


def gains_of_splits(order: Order, residual: NDArray[np.float64]) -> NDArray[np.float64]:
    """(features, images - 1): by how much the squared error decreases where the branch parts after each image."""
    images = order.shape[1]
    left = torch.from_numpy(residual.take(order)).cumsum(1).numpy()  # numpy's takes three times as long
    mean, count, gain = left[0, -1] / images, np.arange(1, images), left[:, :-1]
    gain -= count * mean  # of sums, to what the mean would give
    gain *= gain
    gain *= images / (count * (images - count))
    return np.asarray(gain)


def newton_step(residual: NDArray[np.float64], classes: int) -> float:
    """A leaf's value: one step to the least multinomial deviance of its images."""
    steepness = float((abs(residual) * (1 - abs(residual))).sum())
    return (classes - 1) / classes * float(residual.sum()) / steepness if steepness > NO_GAIN else 0.0


def predict(tree: Split | Leaf, codes: NDArray[np.float64]) -> NDArray[np.float64] | float:
    """The value of each of (features, images)."""
    if isinstance(tree, Leaf):
        return tree.value
    left = codes[tree.feature] <= tree.threshold
    return np.where(left, predict(tree.left, codes), predict(tree.right, codes))


def add_gains(tree: Split | Leaf, gains: NDArray[np.float64]) -> None:
    """Add what each split gains to its feature's."""
    if isinstance(tree, Split):
        gains[tree.feature] += tree.gain
        add_gains(tree.left, gains)
        add_gains(tree.right, gains)
