"""What an adversarial objective knows of a batch."""

from dataclasses import dataclass

from torch import Tensor

from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class GanForwardPass(ForwardPass):
    """A batch as the autoencoder sees it; beside it as many pictures that the decoder makes of codes of the prior."""

    real: Tensor  # (batch, channels, 64, 64), the batch's pictures as the discriminator sees them
    generated: Tensor  # (batch, channels, 64, 64), those made of the codes that `noise` is, as it sees them
    inferred_mean: Tensor  # (batch, latent_dim), what the encoder tells of the codes of those made
    inferred_logvar: Tensor  # (batch, latent_dim)
