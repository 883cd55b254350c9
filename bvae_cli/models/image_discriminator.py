"""The discriminator of InfoGAN: images of the data set against generated images."""

from itertools import pairwise

from torch import nn

from bvae_cli.models.layers import DownsamplingConv

SLOPE = 0.2


class ImageDiscriminator(nn.Sequential):
    """A convolutional network, (batch, channels, 64, 64) to (batch, 1) logits.

    The convolutions have stride 2 and leaky ReLUs (Radford et al. 2016); 295,969 parameters at 1 channel.
    """

    def __init__(self, channels: int) -> None:
        widths = [channels, 32, 32, 64, 64]
        layers = [DownsamplingConv(before, after) for before, after in pairwise(widths)]
        hidden = [module for layer in layers for module in (layer, nn.LeakyReLU(SLOPE))]
        super().__init__(*hidden, nn.Flatten(), nn.Linear(1024, 256), nn.LeakyReLU(SLOPE), nn.Linear(256, 1))
