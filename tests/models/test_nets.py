"""The architectures of the papers."""

import pytest
import torch

from bvae_cli.models.nets import NETS
from bvae_cli.models.vae import VAE

PUBLISHED = [("burgess", 1, 502_005), ("higgins_conv", 3, 765_335), ("locatello", 1, 690_517)]


@pytest.mark.parametrize(("net", "channels", "parameters"), PUBLISHED)
def test_a_net_has_the_published_number_of_parameters(net: str, channels: int, parameters: int) -> None:
    vae = VAE(net, "bernoulli", channels, latent_dim=10)
    assert sum(weight.numel() for weight in vae.parameters()) == parameters


def test_the_mlp_has_the_published_layers() -> None:
    encoder, decoder = NETS["higgins_mlp"](1, 10)
    shapes = [tuple(weight.shape) for part in (encoder, decoder) for weight in part.parameters() if weight.ndim == 2]
    assert shapes == [(1200, 4096), (1200, 1200), (20, 1200), (1200, 10), (1200, 1200), (1200, 1200), (4096, 1200)]


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_net_encodes_and_decodes_images(net: str, channels: int) -> None:
    encoder, decoder = NETS[net](channels, 7)
    assert encoder(torch.zeros(2, channels, 64, 64)).shape == (2, 14)
    assert decoder(torch.zeros(2, 7)).shape == (2, channels, 64, 64)
