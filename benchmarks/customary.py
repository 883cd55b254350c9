"""Training as it is customarily written: what our loop is compared with."""

import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from bvae_cli.models.layers import DownsamplingConv, UpsamplingConv
from bvae_cli.models.vae import VAE

BATCH, LINE = 64, 25  # images of a batch, steps that a figure is a mean of


def customary_loop(
    vae: VAE, loader: DataLoader[Tensor], steps: int, device: torch.device
) -> Iterator[tuple[float, float]]:
    """β-VAE with β = 4, Adam at 5e-4: yield steps per second and mean loss for every `LINE` steps."""
    adam = torch.optim.Adam(vae.parameters(), lr=5e-4)
    started, total, step = time.perf_counter(), 0.0, 0
    while True:
        for batch in loader:
            pixels = batch.to(device)
            mean, logvar = vae.encoder(pixels).chunk(2, dim=1)
            logits = vae.decoder(mean + torch.exp(0.5 * logvar) * torch.randn_like(mean))
            reconstruction = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="sum") / BATCH
            loss = reconstruction + 4 * 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum() / BATCH
            adam.zero_grad()
            loss.backward()
            adam.step()
            total, step = total + loss.item(), step + 1
            if step % LINE == 0:
                yield LINE / (time.perf_counter() - started), total / LINE
                started, total = time.perf_counter(), 0.0
            if step == steps:
                return


def customary(vae: VAE) -> VAE:
    """The same net of torch's own layers."""
    for part in (vae.encoder, vae.decoder):
        assert isinstance(part, nn.Sequential)
        for place, layer in enumerate(part):
            if isinstance(layer, DownsamplingConv | UpsamplingConv):
                kind = nn.Conv2d if isinstance(layer, DownsamplingConv) else nn.ConvTranspose2d
                own = kind(layer.in_channels, layer.out_channels, 4, stride=2, padding=1)
                own.load_state_dict(layer.state_dict())
                part[place] = own
    return vae
