"""The β-VAE metric with the classifier of its authors."""

import numpy as np
import pytest

from bvae_cli.metrics.beta_vae_score_published import accuracies, accuracy, fit_classifier, has_converged, loss_gradient
from bvae_cli.metrics.ground_truth import GroundTruth

TRUTH = GroundTruth.from_grid((3, 6, 8, 8), ["shape", "scale", "posX", "posY"])
FACTORS = TRUTH.factors.astype(np.float32)


def scores(codes: np.ndarray, classifiers: int = 1) -> list[float]:
    return accuracies(codes.astype(np.float32), TRUTH, np.random.default_rng(0), classifiers, 20, 2000, 1000)


def test_ground_truth_factors_score_one() -> None:
    assert scores(FACTORS)[0] > 0.99


@pytest.mark.parametrize(
    "codes", [np.zeros((len(FACTORS), 5)), np.random.default_rng(1).normal(size=(len(FACTORS), 5))]
)
def test_uninformative_codes_score_chance_level(codes: np.ndarray) -> None:
    assert scores(codes)[0] == pytest.approx(1 / 4, abs=0.05)


def test_classifiers_differ_in_initialisation_and_are_reproducible_by_seed() -> None:
    rotated = FACTORS @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    one, other = scores(rotated, classifiers=3), scores(rotated, classifiers=3)
    assert one == other
    assert len(set(one)) > 1


def test_the_gradient_is_that_of_the_cross_entropy() -> None:
    random = np.random.default_rng(0)
    weights, features = random.normal(size=(4, 2)).astype(np.float32), random.normal(size=(6, 3)).astype(np.float32)
    target = np.eye(2, dtype=np.float32)[random.integers(2, size=6)]
    gradient, _ = loss_gradient(weights, features, target)
    for index in np.ndindex(*weights.shape):
        step = np.zeros_like(weights)
        step[index] = 0.01
        (_, above), (_, below) = (loss_gradient(weights + sign * step, features, target) for sign in (1, -1))
        assert gradient[index] == pytest.approx((above - below) / 0.02, abs=1e-3)


def test_linearly_separable_points_are_classified() -> None:
    features, labels = np.array([[1.0], [-1.0]], np.float32), np.array([0, 1])
    weights = fit_classifier(features, labels, 2, np.random.default_rng(0))
    assert accuracy(weights, features, labels) == 1
    assert accuracy(weights, features, 1 - labels) == 0


@pytest.mark.parametrize(
    ("losses", "converged"),
    [
        ([1.0] * 10, False),
        ([1.0] * 11, True),
        ([1.0] * 10 + [0.9985], False),
        ([2.0] + [1.0] * 10 + [0.9995], True),
    ],
)
def test_training_has_converged_if_ten_epochs_lower_the_loss_by_less_than_a_thousandth(
    losses: list[float], converged: bool
) -> None:
    assert has_converged(losses) is converged
