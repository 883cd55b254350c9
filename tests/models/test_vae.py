"""The variational autoencoder."""

import torch

from bvae_cli.models.vae import VAE


def test_a_code_is_the_mean_plus_the_noise_times_the_standard_deviation() -> None:
    vae = VAE("burgess", "bernoulli", channels=1, latent_dim=4)
    images, noise = torch.rand(3, 1, 64, 64), torch.randn(3, 4)
    out = vae(images, noise)
    assert torch.equal(out.z, out.mean + torch.exp(out.logvar / 2) * noise)
    assert out.kl.shape == (3, 4)
    assert out.reconstruction_loss.shape == (3,)


def test_the_reconstruction_loss_is_that_of_the_decoded_code() -> None:
    vae = VAE("burgess", "gaussian", channels=1, latent_dim=4)
    images = torch.rand(3, 1, 64, 64)
    out = vae(images, torch.zeros(3, 4))
    expected = (images - vae.decode(out.mean)).square().sum(dim=(1, 2, 3))
    assert torch.allclose(out.reconstruction_loss, expected, rtol=1e-4)


def test_losses_are_float32_under_bfloat16_autocast() -> None:
    vae = VAE("burgess", "bernoulli", channels=1, latent_dim=4)
    with torch.autocast("cpu", torch.bfloat16):
        out = vae(torch.rand(3, 1, 64, 64), torch.randn(3, 4))
    assert {out.mean.dtype, out.kl.dtype, out.reconstruction_loss.dtype} == {torch.float32}
