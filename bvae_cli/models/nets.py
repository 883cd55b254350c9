"""The encoders and decoders of the papers, for pictures of 64 × 64.

An encoder maps (batch, channels, 64, 64) to (batch, 2·latent_dim): the means, then the log-variances.
A decoder maps (batch, latent_dim) to (batch, channels, 64, 64): logits.
"""

from collections.abc import Callable

from torch import nn

from bvae_cli.models.layers import DownsamplingConv, UpsamplingConv

SIDE = 64


def down_block(channels_in: int, channels_out: int, kernel: int = 4) -> list[nn.Module]:
    """A convolution that halves both sides, and a ReLU."""
    return [DownsamplingConv(channels_in, channels_out, kernel), nn.ReLU()]


def up_block(channels_in: int, channels_out: int) -> list[nn.Module]:
    """A ReLU, and a transposed convolution that doubles both sides: a decoder ends in bare logits."""
    return [nn.ReLU(), UpsamplingConv(channels_in, channels_out)]


def burgess(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The convolutional net of Burgess et al. 2018, appendix A: 502,005 parameters at 1 channel and 10 latents."""
    encoder = nn.Sequential(
        *down_block(channels, 32), *down_block(32, 32), *down_block(32, 32), *down_block(32, 32), nn.Flatten(),
        nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512),
        nn.Unflatten(1, (32, 4, 4)), *up_block(32, 32), *up_block(32, 32), *up_block(32, 32), *up_block(32, channels),
    )  # fmt: skip
    return encoder, decoder


def higgins_mlp(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The fully connected net that Higgins et al. 2017, table 1, use on 2D shapes: ReLU down, tanh up."""
    pixels = channels * SIDE * SIDE
    encoder = nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(),
        nn.Linear(1200, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(),
        nn.Linear(1200, pixels), nn.Unflatten(1, (channels, SIDE, SIDE)),
    )  # fmt: skip
    return encoder, decoder


def higgins_conv(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The convolutional net for CelebA and 3D Chairs in the manner of Higgins et al. 2017, table 1.

    765,335 parameters at 3 channels and 10 latents.
    """
    encoder = nn.Sequential(
        *down_block(channels, 32), *down_block(32, 32), *down_block(32, 64), *down_block(64, 64),
        nn.Conv2d(64, 256, 4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2 * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.Unflatten(1, (256, 1, 1)), nn.ReLU(), nn.ConvTranspose2d(256, 64, 4),
        *up_block(64, 64), *up_block(64, 32), *up_block(32, 32), *up_block(32, channels),
    )  # fmt: skip
    return encoder, decoder


def locatello(channels: int, latent_dim: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The net of Locatello et al. 2019, table 1: 690,517 parameters at 1 channel and 10 latents."""
    encoder = nn.Sequential(
        *down_block(channels, 32), *down_block(32, 32), *down_block(32, 64, kernel=2), *down_block(64, 64, kernel=2),
        nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * latent_dim),
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
