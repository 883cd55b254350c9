"""The maximum mean discrepancy from the prior."""

import pytest
import torch
from torch import Tensor

from bvae_cli.models.vae import ForwardPass
from bvae_cli.objectives.info_vae import InfoVAE, mmd
from bvae_cli.objectives.objective import StepContext
from bvae_cli.objectives.vae import VAEObjective


def of_samples(one: Tensor, other: Tensor) -> Tensor:
    """The squared discrepancy of two samples: the mean kernel within each, less that across, twice."""
    width = one.shape[1] ** 2
    within_one, within_other, across = (
        (-torch.cdist(a, b).square() / width).exp().mean() for a, b in ((one, one), (other, other), (one, other))
    )
    return within_one + within_other - 2 * across


def test_it_is_that_of_a_very_large_sample_of_the_prior() -> None:
    random = torch.Generator().manual_seed(0)
    z, prior = torch.randn(40, 5, generator=random).double() + 1, torch.randn(4000, 5, generator=random).double()
    assert mmd(z).item() == pytest.approx(of_samples(z, prior).item(), rel=0.02)


def test_samples_that_are_the_prior_s_quantiles_are_no_distance_away() -> None:
    quantiles = torch.special.ndtri((torch.arange(2000).double() + 0.5) / 2000)[:, None]
    assert 0 <= mmd(quantiles).item() < 1e-7


def test_a_sample_of_the_prior_is_away_by_chance_alone() -> None:
    """Its mean distance is (1 − E k(p, p')) / batch."""
    random = torch.Generator().manual_seed(0)
    distances = [mmd(torch.randn(64, 10, generator=random).double()).item() for _ in range(300)]
    assert sum(distances) / 300 == pytest.approx((1 - (1 + 4 / 100) ** -5) / 64, rel=0.05)


@pytest.mark.parametrize("offset", [0.0, 0.5, 3.0])
def test_a_single_point_has_a_closed_form(offset: float) -> None:
    z = torch.full((1, 1), offset, dtype=torch.float64)
    expected = 1 - 2 * 3**-0.5 * torch.exp(-z.square() / 3) + 5**-0.5
    assert mmd(z).item() == pytest.approx(expected.item())


def test_alpha_spares_the_kl_and_lambda_weighs_the_distance() -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    out = ForwardPass(z, z, z, z, torch.full((6,), 30.0), torch.ones(6, 3))
    loss = InfoVAE()(out, StepContext({"alpha": 0.25, "lambda_mmd": 500.0}, num_images=6))
    torch.testing.assert_close(loss, 30 + 0.75 * 3 + 499.25 * mmd(z))


def test_without_either_it_is_the_vae() -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    out = ForwardPass(z, z, z, z, torch.full((6,), 30.0), torch.ones(6, 3))
    step = StepContext({"alpha": 0.0, "lambda_mmd": 1.0}, num_images=6)
    assert InfoVAE()(out, step) == VAEObjective()(out, step)
