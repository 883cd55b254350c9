"""The autoencoder."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from bvae_cli.models.vae import VAE, gaussian_kl


@pytest.mark.parametrize(("mean", "logvar", "nats"), [(0.0, 0.0, 0.0), (1.0, 0.0, 5.0), (1.0, 1.0, 8.591409)])
def test_the_kl_of_ten_latents(mean: float, logvar: float, nats: float) -> None:
    kl = gaussian_kl(torch.full((1, 10), mean), torch.full((1, 10), logvar))
    assert kl.sum().item() == pytest.approx(nats, abs=1e-5)


def test_the_kl_agrees_with_that_of_torch() -> None:
    mean, logvar = torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(0))
    expected = kl_divergence(Normal(mean, torch.exp(logvar / 2)), Normal(0.0, 1.0))
    assert torch.allclose(gaussian_kl(mean, logvar), expected, atol=1e-6)


def test_a_sample_is_the_mean_and_the_noise_by_the_standard_deviation() -> None:
    vae = VAE("burgess", "bernoulli", channels=1, latent_dim=4)
    images, noise = torch.rand(3, 1, 64, 64), torch.randn(3, 4)
    out = vae(images, noise)
    assert torch.equal(out.z, out.mean + torch.exp(out.logvar / 2) * noise)
    assert out.kl.shape == (3, 4)
    assert out.reconstruction.shape == (3,)


def test_the_reconstruction_is_the_likelihood_of_the_decoded_sample() -> None:
    vae = VAE("burgess", "gaussian", channels=1, latent_dim=4)
    images = torch.rand(3, 1, 64, 64)
    out = vae(images, torch.zeros(3, 4))
    expected = (images - vae.decode(out.mean)).square().sum(dim=(1, 2, 3))
    assert torch.allclose(out.reconstruction, expected, rtol=1e-4)


def test_bfloat16_leaves_the_losses_in_float32() -> None:
    vae = VAE("burgess", "bernoulli", channels=1, latent_dim=4)
    with torch.autocast("cpu", torch.bfloat16):
        out = vae(torch.rand(3, 1, 64, 64), torch.randn(3, 4))
    assert {out.mean.dtype, out.kl.dtype, out.reconstruction.dtype} == {torch.float32}
