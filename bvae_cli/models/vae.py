"""The variational autoencoder of Kingma & Welling 2014 (arXiv 1312.6114), whatever its objective."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bvae_cli.models.gaussian import gaussian_kl
from bvae_cli.models.likelihoods import LIKELIHOODS
from bvae_cli.models.nets import NETS


@dataclass(frozen=True)
class ForwardPass:
    """All that an objective may want to know of a batch, in float32."""

    mean: Tensor  # (batch, latent_dim)
    logvar: Tensor  # (batch, latent_dim)
    noise: Tensor  # (batch, latent_dim), standard normal
    z: Tensor  # (batch, latent_dim), what is decoded: the sample of the posterior that the noise makes
    reconstruction_loss: Tensor  # (batch,), -log p(x given z), nats an image
    kl: Tensor  # (batch, latent_dim), KL(q(z_j given x) ‖ N(0, 1)), nats


class VAE(nn.Module):
    """An encoder to a diagonal Gaussian, a decoder to logits, and the likelihood of a picture under them."""

    def __init__(self, net: str, likelihood: str, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.encoder, self.decoder = NETS[net](channels, latent_dim)
        self.likelihood = LIKELIHOODS[likelihood]
        self.latent_dim = latent_dim

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the posterior, each (batch, latent_dim), of (batch, channels, 64, 64) in [0, 1]."""
        features = self.encoder[:-1](images)
        with torch.autocast(images.device.type, enabled=False):  # the eight bits of bfloat16 are too few for a mean
            mean, logvar = self.encoder[-1](features.float()).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """The expected picture, (batch, channels, 64, 64) in [0, 1], of (batch, latent_dim)."""
        return torch.sigmoid(self.decoder(z).float())

    def forward(
        self, images: Tensor, noise: Tensor, transform: Callable[[Tensor], Tensor] | None = None
    ) -> ForwardPass:
        """Encode, sample with (batch, latent_dim) standard normal `noise`, decode and compare.

        Where there is a `transform`, it is what that makes of the sample that is decoded.
        """
        mean, logvar = self.encode(images)
        z = mean + torch.exp(logvar / 2) * noise
        if transform:
            z = transform(z)
        reconstruction = self.likelihood(self.decoder(z).float(), images)
        return ForwardPass(mean, logvar, noise, z, reconstruction, gaussian_kl(mean, logvar))
