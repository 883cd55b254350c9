"""Mutual information, against closed forms."""

import math

import numpy as np
import pytest

from bvae_cli.metrics.binning import equal_width_bins
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information

GRID = (3, 5, 4)
TRUTH = GroundTruth.from_grid(GRID)
FACTORS = TRUTH.factors


def test_factors_have_their_entropy_as_information_and_none_about_each_other() -> None:
    information = mutual_information(FACTORS.astype(np.float32), TRUTH)
    assert information == pytest.approx(np.diag(np.log(GRID)), abs=1e-12)


def test_a_collapsed_latent_has_no_mutual_information() -> None:
    assert not mutual_information(np.full((60, 2), 0.3, dtype=np.float32), TRUTH).any()


def test_mutual_information_is_invariant_to_scale_and_offset() -> None:
    codes = np.random.default_rng(0).integers(200, size=(60, 2)).astype(np.float32)
    transformed = mutual_information(4 * codes - 8, TRUTH)
    assert transformed.max() > 0
    assert np.array_equal(transformed, mutual_information(codes, TRUTH))


def test_a_code_that_merges_values_has_the_entropy_of_the_merged_values() -> None:
    merged = (FACTORS[:, 2:] >= 2).astype(np.float32)
    assert mutual_information(merged, TRUTH)[0, 2] == pytest.approx(math.log(2))


def test_bins_have_equal_width_and_the_maximum_is_in_the_last() -> None:
    assert equal_width_bins(np.linspace(0, 20, 41, dtype=np.float32)).tolist() == [*np.repeat(range(20), 2), 19]


def test_three_bins_of_six_values_contain_two_each() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], dtype=np.float32)
    assert equal_width_bins(values, 3).tolist() == [0, 0, 1, 1, 2, 2]
