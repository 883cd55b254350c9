"""KL divergence and log-density of normal distributions."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from bvae_cli.models.gaussian import gaussian_kl, log_density


@pytest.mark.parametrize(("mean", "logvar", "nats"), [(0.0, 0.0, 0.0), (1.0, 0.0, 5.0), (1.0, 1.0, 8.591409)])
def test_the_kl_of_ten_latents_has_a_closed_form(mean: float, logvar: float, nats: float) -> None:
    kl = gaussian_kl(torch.full((1, 10), mean), torch.full((1, 10), logvar))
    assert kl.sum().item() == pytest.approx(nats, abs=1e-5)


def test_the_kl_equals_that_of_torch() -> None:
    mean, logvar = torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(0))
    expected = kl_divergence(Normal(mean, torch.exp(logvar / 2)), Normal(0.0, 1.0))
    assert torch.allclose(gaussian_kl(mean, logvar), expected, atol=1e-6)


def test_the_log_density_equals_that_of_torch() -> None:
    z, mean, logvar = torch.randn(3, 5, 10, generator=torch.Generator().manual_seed(0))
    expected = Normal(mean, torch.exp(logvar / 2)).log_prob(z)  # type: ignore[no-untyped-call]
    assert torch.allclose(log_density(z, mean, logvar), expected, atol=1e-5)
