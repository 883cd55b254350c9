"""Encoding of images into posteriors, from which all scores, statistics and figures are computed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.images.in_memory import Images, ImageSource
from bvae_cli.models.gaussian import gaussian_kl
from bvae_cli.models.vae import VAE
from bvae_cli.system.device import autocast
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ProgressCallback

# A latent with a smaller mean KL, nats, is inactive: its posterior is almost the prior, with a standard deviation of at
# least e^−0.1 = 0.90 where means and variances are optimal. Variances of means over 0.01 (Burda et al. 2016) and mean
# KLs over 0.01 nats (Duan et al. 2020) would also count latents that carry no visible information.
ACTIVE_THRESHOLD = 0.1
BATCH_SIZES = {
    "cpu": 128,
    "cuda": 4096,
}  # images; on a CPU, glibc allocates activations of 32 MB or more again in each batch


@dataclass(frozen=True)
class Posteriors:
    """The Gaussian posteriors of a set of images, on the CPU."""

    mean: Tensor  # (images, latent_dim)
    logvar: Tensor  # (images, latent_dim)

    @property
    def is_active(self) -> Tensor:
        """(latent_dim,): whether a latent is active, i.e. its mean KL reaches the threshold."""
        return self.kl.mean(dim=0) >= ACTIVE_THRESHOLD

    def sample(self, seed: int) -> Tensor:
        """Return one sample per posterior, (images, latent_dim)."""
        noise = torch.randn(self.mean.shape, generator=torch.Generator().manual_seed(seed))
        return self.mean + torch.exp(self.logvar / 2) * noise

    def subset(self, index: NDArray[np.int64]) -> "Posteriors":
        """Return the posteriors of the images with these indices."""
        return Posteriors(self.mean[index], self.logvar[index])

    @property
    def kl(self) -> Tensor:
        """(images, latent_dim): KL divergence of each posterior from the prior, nats."""
        return gaussian_kl(self.mean, self.logvar)


@torch.inference_mode()
def encode(vae: VAE, images: ImageSource, precision: str, report: ProgressCallback) -> Posteriors:
    """Return the posteriors of images, encoded on the model's device; raises BvaeError if one is NaN or infinite."""
    device, done = next(vae.parameters()).device, 0
    # Preallocated: small tensors kept between the large ones of each batch would fragment the heap.
    mean, logvar = torch.empty(2, len(images), vae.latent_dim)
    for part in images.iter_blocks():
        block = part.to(device)
        for batch in batch_slices(block):
            rows = slice(done + batch.start, done + batch.stop)
            with autocast(device, precision):
                mean[rows], logvar[rows] = vae.encode(block[batch])
            report("encoding", rows.stop, len(images))
        done += len(part)
    posteriors = Posteriors(mean, logvar)
    require_finite(mean, logvar, posteriors.kl)
    return posteriors


@torch.inference_mode()
def reconstruction_losses(
    vae: VAE, images: Images, posteriors: Posteriors, precision: str, seed: int, report: ProgressCallback
) -> Tensor:
    """Return −log p(x|z), (images,), nats, for one sample z per posterior; raises BvaeError if one is not finite."""
    device = images.packed.device
    rng = torch.Generator(device).manual_seed(seed)
    losses = torch.empty(len(images))
    for batch in batch_slices(images):
        mean, logvar = posteriors.mean[batch].to(device), posteriors.logvar[batch].to(device)
        with autocast(device, precision):
            z = mean + torch.exp(logvar / 2) * torch.randn(mean.shape, device=device, generator=rng)
            losses[batch] = vae.likelihood(vae.decoder(z).float(), images[batch])
        report("decoding", batch.stop, len(images))
    require_finite(losses)
    return losses


def batch_slices(images: Images) -> Iterator[slice]:
    """Yield the slice of each batch."""
    size = BATCH_SIZES[images.packed.device.type]
    for start in range(0, len(images), size):
        yield slice(start, min(start + size, len(images)))


def require_finite(*values: Tensor) -> None:
    """Raise BvaeError if a value is NaN or infinite."""
    if not all(value.isfinite().all() for value in values):
        raise BvaeError("the model outputs NaN or infinite values", "train it again with a lower --learning-rate.")
