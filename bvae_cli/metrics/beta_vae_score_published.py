"""The β-VAE metric in its authors' own setting (Higgins et al. 2017, section 3 and appendix A.4)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.beta_vae_score import PAIRS, TEST, TRAIN, sample_points
from bvae_cli.metrics.ground_truth import GroundTruth

LEARNING_RATE = 0.01  # of Adagrad
BATCH = 100  # points a step
PATIENCE, MIN_DECREASE = 10, 0.001  # nats by which so many epochs have to lower the loss, that there are more
EPOCHS = 1000  # that are never exceeded
EPSILON = 1e-10

Floats = NDArray[np.float32]


def beta_vae_score_published(codes: Floats, truth: GroundTruth, rng: np.random.Generator) -> dict[str, float]:
    """How well a linear softmax classifier, trained by Adagrad, tells which factor two batches agree in.

    The paper scores by position X, position Y, scale and rotation: name them, with --factors. It does not tell L, the
    pairs in a batch, nor the number of points, nor the classifier's batch and what convergence is: the first two are
    those of `higgins`, the others those above.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws factors, pairs, the classifier's first weights and the order of its lessons.

    Returns:
        `beta_vae_score_published`: the accuracy on points not trained on, 0 to 1.

    Raises:
        BvaeError: there is a factor in which no two images agree.
    """
    return {"beta_vae_score_published": accuracies(codes, truth, rng, classifiers=1)[0]}


def accuracies(
    codes: Floats, truth: GroundTruth, rng: np.random.Generator,
    classifiers: int, pairs: int = PAIRS, train: int = TRAIN, test: int = TEST,
) -> list[float]:  # fmt: skip
    """The accuracy of each of some classifiers that learn from the same points and are tested on the same others."""
    learnt, tested = (sample_points(codes, truth, pairs, count, rng) for count in (train, test))
    return [accuracy(fit_classifier(*learnt, len(truth.names), rng), *tested) for _ in range(classifiers)]


def accuracy(weights: Floats, features: Floats, labels: NDArray[np.int64]) -> float:
    """The share of points whose label has the greatest of the logits."""
    return float(np.mean(logits(weights, features).argmax(axis=1) == labels))


def fit_classifier(features: Floats, labels: NDArray[np.int64], classes: int, rng: np.random.Generator) -> Floats:
    """(latents + 1, classes): the weights and, last, the biases of least cross-entropy, as far as Adagrad comes."""
    bound = features.shape[1] ** -0.5
    weights = rng.uniform(-bound, bound, size=(features.shape[1] + 1, classes)).astype(np.float32)
    squares, target = np.zeros_like(weights), np.eye(classes, dtype=np.float32)[labels]
    losses: list[float] = []
    while len(losses) < EPOCHS and not has_converged(losses):
        losses.append(run_epoch(weights, squares, features, target, rng.permutation(len(features))))
    return weights


def has_converged(losses: list[float]) -> bool:
    """Whether the last epochs no longer lowered the loss."""
    return len(losses) > PATIENCE and losses[-1] > losses[-1 - PATIENCE] - MIN_DECREASE


def run_epoch(
    weights: Floats, squares: Floats, features: Floats, target: Floats, order: NDArray[np.int64]
) -> float:  # fmt: skip
    """Move the weights once by all points, in that order; the mean cross-entropy on the way, nats."""
    loss = 0.0
    for start in range(0, len(order), BATCH):
        indices = order[start : start + BATCH]
        gradient, nats = loss_gradient(weights, features[indices], target[indices])
        squares += gradient**2
        weights -= LEARNING_RATE * gradient / (np.sqrt(squares) + EPSILON)
        loss += nats * len(indices) / len(order)
    return loss


def loss_gradient(weights: Floats, features: Floats, target: Floats) -> tuple[Floats, float]:
    """That of the mean cross-entropy of (points, classes) targets, 0 or 1, and the mean itself."""
    scores = logits(weights, features)
    scores -= scores.max(axis=1, keepdims=True)
    logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    off = (np.exp(logarithms) - target) / len(features)
    return np.concatenate([features.T @ off, off.sum(axis=0)[None]]), -float((logarithms * target).sum()) / len(target)


def logits(weights: Floats, features: Floats) -> Floats:
    """(points, classes)."""
    return np.asarray(features @ weights[:-1] + weights[-1])
