"""The variational autoencoder (Kingma & Welling 2014, arXiv 1312.6114), shared by all objectives."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bvae_cli.models.gaussian import gaussian_kl
from bvae_cli.models.likelihoods import LIKELIHOODS
from bvae_cli.models.nets import NETS


@dataclass(frozen=True)
class ForwardPass:
    """The result of encoding, sampling and decoding one batch, in float32: the input of an objective."""

    mean: Tensor  # (batch, latent_dim)
    logvar: Tensor  # (batch, latent_dim)
    noise: Tensor  # (batch, latent_dim), standard normal
    z: Tensor  # (batch, latent_dim), the decoded code: the posterior sample mean + e^(logvar / 2) · noise
    reconstruction_loss: Tensor  # (batch,), −log p(x | z), nats per image
    kl: Tensor  # (batch, latent_dim), KL(q(z_j | x) ‖ N(0, 1)), nats


class VAE(nn.Module):
    """A VAE: an encoder to a diagonal Gaussian posterior, a decoder to logits, and a pixel likelihood."""

    def __init__(self, net: str, likelihood: str, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.encoder, self.decoder = NETS[net](channels, latent_dim)
        self.likelihood = LIKELIHOODS[likelihood]
        self.latent_dim = latent_dim

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior mean and log-variance, each (batch, latent_dim).

        Images are (batch, channels, 64, 64) in [0, 1].
        """
        mean, logvar = self.encoder(images).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean image, (batch, channels, 64, 64) in [0, 1], of (batch, latent_dim) codes."""
        return torch.sigmoid(self.decoder(z).float())

    def forward(
        self, images: Tensor, noise: Tensor, transform: Callable[[Tensor], Tensor] | None = None
    ) -> ForwardPass:
        """Encode images, sample codes by reparametrisation, decode them and compute the losses per image.

        `noise` is (batch, latent_dim), standard normal. If there is a `transform`, it is applied to the sampled codes
        before decoding.
        """
        return self.decode_posterior(images, *self.encode(images), noise, transform)

    def decode_posterior(
        self,
        images: Tensor,
        mean: Tensor,
        logvar: Tensor,
        noise: Tensor,
        transform: Callable[[Tensor], Tensor] | None = None,
    ) -> ForwardPass:
        """Sample codes of (batch, latent_dim) posteriors, decode them and compute the losses; see `forward`."""
        z = mean + torch.exp(logvar / 2) * noise
        if transform:
            z = transform(z)
        reconstruction = self.reconstruction_loss(z, images)
        return ForwardPass(mean, logvar, noise, z, reconstruction, gaussian_kl(mean, logvar))

    def reconstruction_loss(self, z: Tensor, images: Tensor) -> Tensor:
        """Return −log p(x | z), (batch,), nats per image, of (batch, latent_dim) codes."""
        return self.likelihood(self.decoder(z).float(), images)
