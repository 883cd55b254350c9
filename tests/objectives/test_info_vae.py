"""The maximum mean discrepancy from the prior."""

import pytest
import torch
from torch import Tensor

from bvae_cli.models.vae import ForwardPass
from bvae_cli.objectives.info_vae import InfoVAE, mmd
from bvae_cli.objectives.objective import StepContext
from bvae_cli.objectives.vae import VAEObjective


def sample_mmd(one: Tensor, other: Tensor) -> Tensor:
    """Return the squared MMD of two samples: the mean kernels within each minus twice that across."""
    width = one.shape[1] ** 2
    within_one, within_other, across = (
        (-torch.cdist(a, b).square() / width).exp().mean() for a, b in ((one, one), (other, other), (one, other))
    )
    return within_one + within_other - 2 * across


def test_the_mmd_equals_that_to_a_large_sample_of_the_prior() -> None:
    random = torch.Generator().manual_seed(0)
    z, prior = torch.randn(40, 5, generator=random).double() + 1, torch.randn(4000, 5, generator=random).double()
    assert mmd(z).item() == pytest.approx(sample_mmd(z, prior).item(), rel=0.02)


def test_the_quantiles_of_the_prior_have_no_mmd() -> None:
    quantiles = torch.special.ndtri((torch.arange(2000).double() + 0.5) / 2000)[:, None]
    assert 0 <= mmd(quantiles).item() < 1e-7


def test_the_mmd_of_a_sample_of_the_prior_has_its_expected_value() -> None:
    """The expectation is (1 − E k(p, p')) / batch."""
    random = torch.Generator().manual_seed(0)
    distances = [mmd(torch.randn(64, 10, generator=random).double()).item() for _ in range(300)]
    assert sum(distances) / 300 == pytest.approx((1 - (1 + 4 / 100) ** -5) / 64, rel=0.05)


@pytest.mark.parametrize("offset", [0.0, 0.5, 3.0])
def test_a_single_point_has_a_closed_form(offset: float) -> None:
    z = torch.full((1, 1), offset, dtype=torch.float64)
    expected = 1 - 2 * 3**-0.5 * torch.exp(-z.square() / 3) + 5**-0.5
    assert mmd(z).item() == pytest.approx(expected.item())


def test_alpha_and_lambda_weight_the_kl_and_the_mmd() -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    out = ForwardPass(z, z, z, z, torch.full((6,), 30.0), torch.ones(6, 3))
    loss = InfoVAE()(out, StepContext({"alpha": 0.25, "lambda_mmd": 500.0}, num_images=6))
    torch.testing.assert_close(loss, 30 + 0.75 * 3 + 499.25 * mmd(z))


def test_without_mmd_the_loss_equals_that_of_the_vae() -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    out = ForwardPass(z, z, z, z, torch.full((6,), 30.0), torch.ones(6, 3))
    step = StepContext({"alpha": 0.0, "lambda_mmd": 1.0}, num_images=6)
    assert InfoVAE()(out, step) == VAEObjective()(out, step)
