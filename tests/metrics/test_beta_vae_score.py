"""The β-VAE metric, on representations with known scores."""

import numpy as np
import pytest

from bvae_cli.metrics.beta_vae_score import beta_vae_score, mean_distance
from bvae_cli.metrics.ground_truth import GroundTruth

GRID = (3, 6, 8, 8)
TRUTH = GroundTruth.from_grid(GRID)
FACTORS = TRUTH.factors.astype(np.float32)


def score(codes: np.ndarray) -> float:
    return beta_vae_score(codes.astype(np.float32), TRUTH, np.random.default_rng(0))["beta_vae_score"]


def test_ground_truth_factors_score_one() -> None:
    assert score(FACTORS) == 1.0


def test_a_collapsed_representation_scores_chance_level() -> None:
    assert score(np.zeros((len(FACTORS), 10))) == pytest.approx(1 / 4, abs=0.02)


def test_noise_scores_chance_level() -> None:
    assert score(np.random.default_rng(1).normal(size=(len(FACTORS), 10))) == pytest.approx(1 / 4, abs=0.03)


def test_the_score_is_invariant_to_permutations_of_latents() -> None:
    assert score(FACTORS[:, ::-1]) == score(FACTORS)


def test_the_score_is_reproducible_by_seed() -> None:
    noisy = FACTORS + np.random.default_rng(1).normal(size=FACTORS.shape)
    assert score(noisy) == score(noisy)


@pytest.mark.parametrize("factor", range(4))
def test_pairs_share_the_factor_and_no_other(factor: int) -> None:
    distance = mean_distance(FACTORS, TRUTH, factor, (1, 64), np.random.default_rng(0))[0]
    assert [bool(other) for other in distance] == [index != factor for index in range(4)]
