"""Figures of images above their reconstructions."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae_cli.figures.rendering import Label, image_grid, to_tiles, write_png
from bvae_cli.models.vae import VAE


@torch.inference_mode()
def draw_reconstructions(vae: VAE, images: Tensor, path: Path) -> Path:
    """Draw images, (images, channels, 64, 64) in [0, 1], above their reconstructions; return the path written.

    The reconstruction is the decoded posterior mean. Its reconstruction loss, in nats, is the heading of its column.

    Raises:
        BvaeError: `path` cannot be written.
    """
    logits = vae.decoder(vae.encode(images)[0])
    tiles = np.stack([to_tiles(images), to_tiles(torch.sigmoid(logits))])
    headings = [f"{nats:.0f}" for nats in vae.likelihood(logits, images).tolist()]
    labels = [Label("original"), Label("reconstruction", ("top: loss, nats",))]
    return write_png(path, image_grid(tiles, labels, headings))
