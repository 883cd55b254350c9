"""Encoder and decoder architectures of the papers, for images of 64 × 64 pixels.

An encoder maps (batch, channels, 64, 64) to (batch, 2·latent_dim): the means, then the log-variances.
A decoder maps (batch, latent_dim) to (batch, channels, 64, 64): logits.
"""

from collections.abc import Callable

from torch import nn

from bvae_cli.models.layers import Conv, DownsamplingConv, Float32Linear, TransposedConv, UpsamplingConv

SIDE = 64


def down_block(channels_in: int, channels_out: int, kernel: int = 4) -> list[nn.Module]:
    """Return a convolution that halves height and width, and a ReLU."""
    return [DownsamplingConv(channels_in, channels_out, kernel), nn.ReLU()]


def up_block(channels_in: int, channels_out: int) -> list[nn.Module]:
    """Return a ReLU, and a transposed convolution that doubles height and width.

    The ReLU comes first, so that a decoder ends in logits.
    """
    return [nn.ReLU(), UpsamplingConv(channels_in, channels_out)]


def burgess(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Build the convolutional encoder and decoder of Burgess et al. 2018, appendix A.

    502,005 parameters at 1 channel and 10 latents.
    """
    encoder = nn.Sequential(
        *down_block(channels, 32), *down_block(32, 32), *down_block(32, 32), *down_block(32, 32), nn.Flatten(),
        nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), Float32Linear(256, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512),
        nn.Unflatten(1, (32, 4, 4)), *up_block(32, 32), *up_block(32, 32), *up_block(32, 32), *up_block(32, channels),
    )  # fmt: skip
    return encoder, decoder


def higgins_mlp(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Build the fully connected encoder (ReLU) and decoder (tanh) of Higgins et al. 2017, table 1, for 2D shapes."""
    pixels = channels * SIDE * SIDE
    encoder = nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(),
        Float32Linear(1200, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(),
        nn.Linear(1200, pixels), nn.Unflatten(1, (channels, SIDE, SIDE)),
    )  # fmt: skip
    return encoder, decoder


def higgins_conv(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Build the convolutional encoder and decoder for CelebA and 3D Chairs, after Higgins et al. 2017, table 1.

    765,335 parameters at 3 channels and 10 latents.
    """
    encoder = nn.Sequential(
        *down_block(channels, 32), *down_block(32, 32), *down_block(32, 64), *down_block(64, 64),
        Conv(64, 256, 4), nn.ReLU(), nn.Flatten(), Float32Linear(256, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.Unflatten(1, (256, 1, 1)), nn.ReLU(), TransposedConv(256, 64, 4),
        *up_block(64, 64), *up_block(64, 32), *up_block(32, 32), *up_block(32, channels),
    )  # fmt: skip
    return encoder, decoder


def locatello(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Build the convolutional encoder and decoder of Locatello et al. 2019, table 1.

    690,517 parameters at 1 channel and 10 latents.
    """
    encoder = nn.Sequential(
        *down_block(channels, 32), *down_block(32, 32), *down_block(32, 64, kernel=2), *down_block(64, 64, kernel=2),
        nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), Float32Linear(256, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.ReLU(), nn.Linear(256, 1024), nn.Unflatten(1, (64, 4, 4)),
        *up_block(64, 64), *up_block(64, 32), *up_block(32, 32), *up_block(32, channels),
    )  # fmt: skip
    return encoder, decoder


NETS: dict[str, Callable[[int, int], tuple[nn.Sequential, nn.Sequential]]] = {
    "burgess": burgess,
    "higgins_mlp": higgins_mlp,
    "higgins_conv": higgins_conv,
    "locatello": locatello,
}
