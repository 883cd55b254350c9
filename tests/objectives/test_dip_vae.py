"""The DIP-VAE penalty, on known covariances."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bvae_cli.models.vae import ForwardPass
from bvae_cli.objectives.covariance import covariance, penalty
from bvae_cli.objectives.dip_vae_i import DIPVAEI
from bvae_cli.objectives.dip_vae_ii import DIPVAEII
from bvae_cli.objectives.objective import StepContext

MATRIX = torch.tensor([[1.0, 0.5, 0.0], [0.5, 2.0, -1.0], [0.0, -1.0, 0.0]])
CONTEXT = StepContext({"lambda_od": 10.0, "lambda_d": 100.0}, num_images=4)


def make_forward_pass(mean: Tensor, logvar: Tensor) -> ForwardPass:
    """Return a forward pass whose reconstruction loss and KL are 0."""
    return ForwardPass(mean, logvar, mean, mean, torch.zeros(len(mean)), torch.zeros_like(mean))


@pytest.mark.parametrize(("weights", "nats"), [((1, 0), 2 * (0.25 + 1)), ((0, 1), 1 + 1), ((10, 3), 25 + 6)])
def test_covariances_and_deviations_of_variances_from_one_are_penalised(weights: tuple[int, int], nats: float) -> None:
    assert penalty(MATRIX, *weights).item() == nats


def test_the_covariance_is_that_of_the_batch() -> None:
    mean = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    expected = np.cov(mean.numpy(), rowvar=False, bias=True)
    np.testing.assert_allclose(covariance(mean), expected, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_allclose(covariance(mean), expected, atol=1e-6)


def test_dip_vae_i_does_not_penalise_means_with_the_covariance_of_the_prior() -> None:
    mean = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert DIPVAEI()(make_forward_pass(mean, torch.full((4, 2), 5.0)), CONTEXT).item() == 0
    assert DIPVAEI()(make_forward_pass(2 * mean, torch.zeros(4, 2)), CONTEXT).item() == 100 * 2 * 3**2


def test_dip_vae_ii_adds_the_posterior_variances_to_the_diagonal_only() -> None:
    mean = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    logvar = torch.tensor([0.25, 0.5]).log().expand(4, 2)
    assert DIPVAEII()(make_forward_pass(mean * 0.75**0.5, logvar), CONTEXT).item() == pytest.approx(
        100 * 0.25**2, rel=1e-5
    )
    assert DIPVAEII()(make_forward_pass(mean * 0, torch.zeros(4, 2)), CONTEXT).item() == 0
