"""Gradient-boosted classification trees (Friedman 2001, algorithm 6), all classes of a stage grown at once."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

STAGES, RATE, DEPTH = 100, 0.1, 3  # scikit-learn's defaults
THRESHOLDS = 63  # of a feature, at its quantiles, where scikit-learn tries every value
EQUAL = 1e-5  # part by which gains differ that count as the same


@dataclass(frozen=True)
class Boosted:
    """What came of boosting."""

    importance: NDArray[np.float64]  # (features,), what the splits by each feature gain; adds up to 1, or to 0
    predicted: NDArray[np.int64]  # (tested,)


def boost(learnt: NDArray[np.float32], values: NDArray[np.int64], tested: NDArray[np.float32], seed: int) -> Boosted:
    """Learn `values`, numbers from 0, from (images, features) and predict those of others.

    A split's gain is the decrease of the squared error, as scikit-learn's GradientBoostingClassifier measures it. Of
    features that gain the same, chance takes one at each split.
    """
    chance = torch.Generator().manual_seed(seed)
    below = sides(learnt, np.concatenate([learnt, tested]))
    target = functional.one_hot(torch.from_numpy(values)).float()  # (learnt, classes)
    score = torch.log(target.mean(dim=0).clamp(min=1e-9)).repeat(len(below), 1)  # of learnt and tested
    gains = torch.zeros(below.shape[1], dtype=torch.float64)
    for _ in range(STAGES):
        residual = target - torch.softmax(score[: len(target)], dim=1)
        leaf = grow(below, residual, gains, chance)
        score += RATE * leaf_values(leaf[: len(target)], residual).gather(0, leaf)
    importance = gains.view(learnt.shape[1], THRESHOLDS).sum(dim=1)
    return Boosted((importance / importance.sum().clamp(min=1e-12)).numpy(), score[len(target) :].argmax(dim=1).numpy())


def sides(learnt: NDArray[np.float32], images: NDArray[np.float32]) -> Tensor:
    """(images, features · thresholds): 1 where a feature is not above a threshold, else 0."""
    quantiles = np.quantile(learnt, np.linspace(0, 1, THRESHOLDS + 2)[1:-1], axis=0, method="lower").T
    return torch.from_numpy(images[:, :, None] <= quantiles).float().flatten(1)


def grow(below: Tensor, residual: Tensor, gains: Tensor, chance: torch.Generator) -> Tensor:
    """(images, classes): the leaf that each image comes to in a tree a class; what each split gains is added up."""
    learnt, classes = residual.shape
    node = torch.zeros(len(below), classes, dtype=torch.long)  # of its depth, from 0
    for depth in range(DEPTH):
        inside = functional.one_hot(node[:learnt], 2**depth).transpose(1, 2).float()  # (images, nodes, classes)
        split, gain = best_splits(below[:learnt], residual[:, None] * inside, inside, chance)
        gains.index_add_(0, split.flatten(), gain.flatten().double())
        own_split, own_gain = split.gather(0, node), gain.gather(0, node)  # (images, classes)
        right = (below.gather(1, own_split) == 0) & (own_gain > 0)
        node = 2 * node + right
    return node


def best_splits(below: Tensor, residual: Tensor, inside: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """(nodes, classes): the threshold that decreases the squared error most, and by how much; 0 where none does.

    Args:
        below: (images, thresholds), 1 on the left side.
        residual: (images, nodes, classes), 0 where an image is not in a node.
        inside: the same shape, 1 where an image is in a node.
        chance: decides between features that gain the same.
    """
    both = torch.stack([residual, inside], dim=1)  # one product, since it is the reading of `below` that takes time
    left, count_left = (below.T @ both.flatten(1)).view(-1, *both.shape[1:]).unbind(dim=1)
    total, count = both.sum(dim=0)
    right, count_right = total - left, count - count_left
    gain = left**2 / count_left.clamp(min=1) + right**2 / count_right.clamp(min=1) - total**2 / count.clamp(min=1)
    possible = (count_left > 0.5) & (count_right > 0.5)
    lots = torch.rand(len(gain) // THRESHOLDS, *gain.shape[1:], generator=chance).repeat_interleave(THRESHOLDS, dim=0)
    best = torch.where(possible, gain, 0.0) * (1 + EQUAL * lots)
    return best.argmax(dim=0), best.amax(dim=0).clamp(min=0)


def leaf_values(leaf: Tensor, residual: Tensor) -> Tensor:
    """(leaves, classes): one Newton step of the multinomial deviance in each leaf."""
    room = torch.zeros(2**DEPTH, residual.shape[1])
    steepness = residual.abs() * (1 - residual.abs())
    above, beneath = (room.scatter_add(0, leaf, values) for values in (residual, steepness))
    classes = residual.shape[1]
    return (classes - 1) / classes * above / torch.where(beneath > 1e-9, beneath, torch.inf)
