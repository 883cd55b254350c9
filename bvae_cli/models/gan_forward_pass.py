"""The forward pass of an adversarial objective."""

from dataclasses import dataclass

from torch import Tensor

from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class GanForwardPass(ForwardPass):
    """A forward pass of the autoencoder, with as many images that the decoder generates from codes of the prior."""

    real: Tensor  # (batch, channels, 64, 64), the batch's images with instance noise
    generated: Tensor  # (batch, channels, 64, 64), decoded from `noise`, with instance noise
    inferred_mean: Tensor  # (batch, latent_dim), posterior mean of the generated images
    inferred_logvar: Tensor  # (batch, latent_dim), posterior log-variance of the generated images
