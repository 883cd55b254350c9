"""The β-VAE metric with the classifier of its authors (Higgins et al. 2017, section 3 and appendix A.4)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.beta_vae_score import PAIRS, TEST, TRAIN, sample_points
from bvae_cli.metrics.ground_truth import GroundTruth

LEARNING_RATE = 0.01  # of Adagrad
BATCH = 100  # points per step
PATIENCE, MIN_DECREASE = 10, 0.001  # stop if 10 epochs lower the loss by less, nats
MAX_EPOCHS = 1000
EPSILON = 1e-10

Floats = NDArray[np.float32]


def beta_vae_score_published(codes: Floats, truth: GroundTruth, rng: np.random.Generator) -> dict[str, float]:
    """Compute the accuracy of a linear softmax classifier, trained by Adagrad, that predicts the shared factor.

    The paper uses the factors position X, position Y, scale and rotation: select them by `--factors`. It does not
    report L, the pairs per batch, nor the number of points, the classifier's batch size and the convergence criterion.
    The first two are those of `beta_vae_score`, the others the constants of this module.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples factors and pairs, the classifier's initial weights and the order of its training points.

    Returns:
        `beta_vae_score_published`: test accuracy, 0 to 1.

    Raises:
        BvaeError: no two images share the value of some factor.
    """
    return {"beta_vae_score_published": accuracies(codes, truth, rng, classifiers=1)[0]}


def accuracies(
    codes: Floats, truth: GroundTruth, rng: np.random.Generator,
    classifiers: int, pairs: int = PAIRS, train: int = TRAIN, test: int = TEST,
) -> list[float]:  # fmt: skip
    """Return the test accuracy of each classifier; all share the training and the test points."""
    train_points, test_points = (sample_points(codes, truth, pairs, count, rng) for count in (train, test))
    return [accuracy(fit_classifier(*train_points, len(truth.names), rng), *test_points) for _ in range(classifiers)]


def accuracy(weights: Floats, features: Floats, labels: NDArray[np.int64]) -> float:
    """Return the fraction of points whose label has the largest logit."""
    return float(np.mean(logits(weights, features).argmax(axis=1) == labels))


def fit_classifier(features: Floats, labels: NDArray[np.int64], classes: int, rng: np.random.Generator) -> Floats:
    """Train a softmax classifier; return its weights and, in the last row, biases, (latents + 1, classes)."""
    bound = features.shape[1] ** -0.5
    weights = rng.uniform(-bound, bound, size=(features.shape[1] + 1, classes)).astype(np.float32)
    squares, target = np.zeros_like(weights), np.eye(classes, dtype=np.float32)[labels]
    losses: list[float] = []
    while len(losses) < MAX_EPOCHS and not has_converged(losses):
        losses.append(run_epoch(weights, squares, features, target, rng.permutation(len(features))))
    return weights


def has_converged(losses: list[float]) -> bool:
    """Return whether the last `PATIENCE` epochs lowered the loss by less than `MIN_DECREASE`."""
    return len(losses) > PATIENCE and losses[-1] > losses[-1 - PATIENCE] - MIN_DECREASE


def run_epoch(
    weights: Floats, squares: Floats, features: Floats, target: Floats, order: NDArray[np.int64]
) -> float:  # fmt: skip
    """Update the weights in place by one pass over all points; return the mean cross-entropy during it, nats."""
    loss = 0.0
    for start in range(0, len(order), BATCH):
        indices = order[start : start + BATCH]
        gradient, nats = loss_gradient(weights, features[indices], target[indices])
        squares += gradient**2
        weights -= LEARNING_RATE * gradient / (np.sqrt(squares) + EPSILON)
        loss += nats * len(indices) / len(order)
    return loss


def loss_gradient(weights: Floats, features: Floats, target: Floats) -> tuple[Floats, float]:
    """Return the gradient of the mean cross-entropy of one-hot (points, classes) targets, and the mean, nats."""
    scores = logits(weights, features)
    scores -= scores.max(axis=1, keepdims=True)
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    error = (np.exp(log_probabilities) - target) / len(features)
    gradient = np.concatenate([features.T @ error, error.sum(axis=0)[None]])
    return gradient, -float((log_probabilities * target).sum()) / len(target)


def logits(weights: Floats, features: Floats) -> Floats:
    """Return the logits, (points, classes)."""
    return np.asarray(features @ weights[:-1] + weights[-1])
