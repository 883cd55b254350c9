"""The sampled MIG and its entropies, against closed forms and exact sums over all posteriors."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mig_sampled import entropy, log_density, log_weights, mig_sampled

NORMAL_ENTROPY = math.log(2 * math.pi * math.e) / 2  # nats


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def posteriors(means: np.ndarray, std: float) -> tuple[Tensor, Tensor]:
    mean = torch.from_numpy(means.astype(np.float32))[:, None]
    return mean, torch.full_like(mean, 2 * math.log(std))


def test_the_density_of_a_mixture_is_that_of_the_sum_of_its_gaussians() -> None:
    mean, logvar = torch.tensor([[0.5], [-1.0]]), torch.tensor([[2 * math.log(2.0)], [0.0]])
    own, noise = torch.tensor([0, 0, 1]), torch.tensor([[-1.0], [0.3], [2.0]])
    z = torch.tensor([-1.5, 1.1, 1.0])
    std = torch.exp(logvar[:, 0] / 2)
    densities = torch.exp(-(((z[:, None] - mean[:, 0]) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
    expected = densities.mean(dim=1).log()
    torch.testing.assert_close(log_density(own, noise, mean, logvar, log_weights(2, 2))[:, 0], expected)


def test_the_entropy_of_separate_narrow_posteriors_is_that_of_their_places_and_of_one_of_them() -> None:
    places = np.repeat(np.arange(32.0), 50)
    found = entropy(*posteriors(places, 1e-3), np.arange(1600), random(), 10_000, 10_000)
    assert found == pytest.approx(math.log(32) + NORMAL_ENTROPY + math.log(1e-3), abs=0.03)


@pytest.mark.parametrize("std", [1e-4, 1e-3, 0.1, 1.0])
def test_the_entropy_of_a_sample_of_the_posteriors_is_near_that_of_all(std: float) -> None:
    means, images = random().standard_normal(4000), np.arange(4000)
    every = entropy(*posteriors(means, std), images, random(), 4000, 4000)
    some = entropy(*posteriors(means, std), images, random(), 4000, 2000)
    assert some == pytest.approx(every, abs=0.3)


def test_the_entropy_of_narrow_posteriors_of_normal_means_is_that_of_the_means() -> None:
    means = random().standard_normal(20_000)
    found = entropy(*posteriors(means, 1e-3), np.arange(20_000), random(), 10_000, 10_000)
    assert found == pytest.approx(NORMAL_ENTROPY, abs=0.04)


def test_a_single_posterior_has_the_entropy_of_a_gaussian() -> None:
    found = entropy(*posteriors(np.zeros(1), 2.0), np.arange(1), random(), 10_000, 10_000)
    assert found == pytest.approx(NORMAL_ENTROPY + math.log(2), abs=0.03)


def test_the_sampled_mig_of_ground_truth_factors_is_one() -> None:
    truth = GroundTruth.from_grid((4, 5, 6))
    codes = truth.factors.astype(np.float32)
    narrow = np.full_like(codes, -8)
    assert mig_sampled(codes, narrow, truth, random())["mig_sampled"] == pytest.approx(1, abs=0.02)
    collapsed = mig_sampled(0 * codes, 0 * codes, truth, random())["mig_sampled"]
    assert collapsed == pytest.approx(0, abs=0.02)


def test_the_sampled_mig_of_posteriors_narrower_than_float32_resolves_is_at_most_one() -> None:
    truth = GroundTruth.from_grid((4, 5, 6))
    codes = truth.factors.astype(np.float32)
    assert mig_sampled(codes, np.full_like(codes, -38), truth, random())["mig_sampled"] == pytest.approx(1, abs=0.02)
