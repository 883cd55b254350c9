"""What a model makes of images, each encoded once: scores, statistics and pictures are taken from this."""

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

ACTIVE_THRESHOLD = 0.01  # nats; a latent whose mean KL is less is unused (the threshold of Duan et al. 2020, section 4)
BATCH_SIZES = {
    "cpu": 128,
    "cuda": 4096,
}  # images; on a processor activations of 32 MB or more are fetched anew each time


@dataclass(frozen=True)
class Posteriors:
    """The posterior of each of some images, on the processor."""

    mean: Tensor  # (images, latent_dim)
    logvar: Tensor  # (images, latent_dim)

    @property
    def is_active(self) -> Tensor:
        """(latent_dim,): whether a latent tells anything of the images."""
        return self.kl.mean(dim=0) >= ACTIVE_THRESHOLD

    def subset(self, index: NDArray[np.int64]) -> "Posteriors":
        """The posteriors of the images of these numbers."""
        return Posteriors(self.mean[index], self.logvar[index])

    @property
    def kl(self) -> Tensor:
        """(images, latent_dim), nats."""
        return gaussian_kl(self.mean, self.logvar)


@torch.inference_mode()
def encode(vae: VAE, images: ImageSource, precision: str, report: ProgressCallback) -> Posteriors:
    """Encode images on the device on which the model is; raises BvaeError where a code is not finite."""
    device, done = next(vae.parameters()).device, 0
    # Room for all at once: small tensors kept between the large ones of each batch leave a heap full of holes.
    mean, logvar = torch.empty(2, len(images), vae.latent_dim)
    for part in images.iter_blocks():
        here = part.to(device)
        for batch in batches(here):
            place = slice(done + batch.start, done + batch.stop)
            with autocast(device, precision):
                mean[place], logvar[place] = vae.encode(here[batch])
            report("encoding", place.stop, len(images))
        done += len(part)
    encoding = Posteriors(mean, logvar)
    require_finite(mean, logvar, encoding.kl)
    return encoding


@torch.inference_mode()
def reconstruction_losses(
    vae: VAE, images: Images, encoding: Posteriors, precision: str, seed: int, report: ProgressCallback
) -> Tensor:
    """(images,): -log p(x given z), nats, of a sample z of each posterior; raises BvaeError where one is not finite."""
    device = images.packed.device
    noise = torch.Generator(device).manual_seed(seed)
    losses = torch.empty(len(images))
    for batch in batches(images):
        mean, logvar = encoding.mean[batch].to(device), encoding.logvar[batch].to(device)
        with autocast(device, precision):
            z = mean + torch.exp(logvar / 2) * torch.randn(mean.shape, device=device, generator=noise)
            losses[batch] = vae.likelihood(vae.decoder(z).float(), images[batch])
        report("decoding", batch.stop, len(images))
    require_finite(losses)
    return losses


def batches(images: Images) -> Iterator[slice]:
    """Where each batch begins and ends."""
    size = BATCH_SIZES[images.packed.device.type]
    for start in range(0, len(images), size):
        yield slice(start, min(start + size, len(images)))


def require_finite(*values: Tensor) -> None:
    """Raise BvaeError where a value is not finite."""
    if not all(value.isfinite().all() for value in values):
        raise BvaeError("the model gives values that are not finite", "train it with a lower --learning-rate.")
