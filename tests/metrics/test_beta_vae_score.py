"""The β-VAE metric, on representations whose score is known."""

import numpy as np
import pytest

from bvae_cli.metrics.beta_vae_score import beta_vae_score, mean_distance
from bvae_cli.metrics.ground_truth import GroundTruth

GRID = (3, 6, 8, 8)
TRUTH = GroundTruth.from_grid(GRID)
FACTORS = TRUTH.factors.astype(np.float32)


def score(codes: np.ndarray) -> float:
    return beta_vae_score(codes.astype(np.float32), TRUTH, np.random.default_rng(0))["beta_vae_score"]


def test_the_factors_themselves_score_one() -> None:
    assert score(FACTORS) == 1.0


def test_a_dead_representation_scores_chance() -> None:
    assert score(np.zeros((len(FACTORS), 10))) == pytest.approx(1 / 4, abs=0.02)


def test_noise_scores_chance() -> None:
    assert score(np.random.default_rng(1).normal(size=(len(FACTORS), 10))) == pytest.approx(1 / 4, abs=0.03)


def test_the_order_of_the_latents_does_not_matter() -> None:
    assert score(FACTORS[:, ::-1]) == score(FACTORS)


def test_a_seed_gives_a_score() -> None:
    blurred = FACTORS + np.random.default_rng(1).normal(size=FACTORS.shape)
    assert score(blurred) == score(blurred)


@pytest.mark.parametrize("factor", range(4))
def test_pairs_agree_in_the_factor_and_in_no_other(factor: int) -> None:
    distance = mean_distance(FACTORS, TRUTH, factor, (1, 64), np.random.default_rng(0))[0]
    assert [bool(other) for other in distance] == [index != factor for index in range(4)]
