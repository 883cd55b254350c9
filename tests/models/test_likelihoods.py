"""Reconstruction losses, against closed forms."""

import math

import pytest
import torch

from bvae_cli.models.likelihoods import LIKELIHOODS, bernoulli, gaussian, laplace

IMAGES = torch.rand(3, 2, 64, 64, generator=torch.Generator().manual_seed(0))


def test_bernoulli_at_even_odds_is_ln_2_per_pixel() -> None:
    assert bernoulli(torch.zeros_like(IMAGES), IMAGES).tolist() == pytest.approx([2 * 64 * 64 * math.log(2)] * 3)


def test_bernoulli_is_the_log_probability_of_each_pixel() -> None:
    logits = torch.full((1, 1, 1, 2), math.log(3))  # probability 3/4
    assert bernoulli(logits, torch.tensor([[[[1.0, 0.0]]]])).item() == pytest.approx(-math.log(3 / 4) - math.log(1 / 4))


def test_gaussian_is_the_sum_of_squares() -> None:
    assert gaussian(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item() == 4 * 0.25


def test_laplace_is_the_sum_of_absolute_differences() -> None:
    assert laplace(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item() == 4 * 0.5


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_loss_of_each_image_is_summed_over_pixels_and_channels(name: str) -> None:
    logits = torch.randn(IMAGES.shape, generator=torch.Generator().manual_seed(1))
    whole = LIKELIHOODS[name](logits, IMAGES)
    halves = [LIKELIHOODS[name](logits[:, :, rows], IMAGES[:, :, rows]) for rows in (slice(0, 32), slice(32, 64))]
    assert whole.shape == (3,)
    assert torch.allclose(whole, sum(halves, torch.zeros(3)))
