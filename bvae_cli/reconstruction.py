"""Pictures of images above their reconstructions."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae_cli.models.vae import VAE
from bvae_cli.rendering import Label, table, tiles_of, write_png


@torch.inference_mode()
def reconstruct(vae: VAE, images: Tensor, out: Path) -> Path:
    """Draw (images, channels, 64, 64) in [0, 1] above what their posterior means decode to; the file written.

    Over each stands its reconstruction loss in nats. Raises BvaeError where `out` cannot be written.
    """
    mean, _ = vae.encode(images)
    nats = vae.likelihood(vae.decoder(mean), images)
    tiles = np.stack([tiles_of(images), tiles_of(vae.decode(mean))])
    headings = [f"{loss:.0f}" for loss in nats.tolist()]
    return write_png(
        out / "reconstruction.png",
        table(tiles, [Label("original", ("nats above",)), Label("reconstruction")], headings),
    )
