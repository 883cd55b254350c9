"""DIP-VAE's penalty, on covariances that are known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bvae_cli.models.vae import ForwardPass
from bvae_cli.objectives.covariance import covariance, penalty
from bvae_cli.objectives.dip_vae_i import DIPVAEI
from bvae_cli.objectives.dip_vae_ii import DIPVAEII
from bvae_cli.objectives.objective import StepContext

KNOWN = torch.tensor([[1.0, 0.5, 0.0], [0.5, 2.0, -1.0], [0.0, -1.0, 0.0]])
KNOBS = StepContext({"lambda_od": 10.0, "lambda_d": 100.0}, num_images=4)


def made(mean: Tensor, logvar: Tensor) -> ForwardPass:
    """Codes whose reconstruction and KL are nothing."""
    return ForwardPass(mean, logvar, mean, mean, torch.zeros(len(mean)), torch.zeros_like(mean))


@pytest.mark.parametrize(("weights", "nats"), [((1, 0), 2 * (0.25 + 1)), ((0, 1), 1 + 1), ((10, 3), 25 + 6)])
def test_covariances_and_distances_of_variances_from_one_are_punished(weights: tuple[int, int], nats: float) -> None:
    assert penalty(KNOWN, *weights).item() == nats


def test_the_covariance_is_that_of_the_batch() -> None:
    mean = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    expected = np.cov(mean.numpy(), rowvar=False, bias=True)
    np.testing.assert_allclose(covariance(mean), expected, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_allclose(covariance(mean), expected, atol=1e-6)


def test_means_with_the_prior_s_covariance_cost_nothing_of_dip_i() -> None:
    mean = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert DIPVAEI()(made(mean, torch.full((4, 2), 5.0)), KNOBS).item() == 0
    assert DIPVAEI()(made(2 * mean, torch.zeros(4, 2)), KNOBS).item() == 100 * 2 * 3**2


def test_dip_ii_adds_the_posterior_variances_to_the_diagonal_alone() -> None:
    mean = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    logvar = torch.tensor([0.25, 0.5]).log().expand(4, 2)
    assert DIPVAEII()(made(mean * 0.75**0.5, logvar), KNOBS).item() == pytest.approx(100 * 0.25**2, rel=1e-5)
    assert DIPVAEII()(made(mean * 0, torch.zeros(4, 2)), KNOBS).item() == 0
