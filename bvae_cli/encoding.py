"""Encoding of images into posteriors, from which all scores, statistics and figures are computed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.images.in_memory import Images, ImageSource
from bvae_cli.models.gaussian import gaussian_kl
from bvae_cli.models.vae import VAE
from bvae_cli.system.device import autocast, limit_torch_threads, one_thread_per_operation
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.parallel import map_ordered
from bvae_cli.system.reporting import ProgressCallback

# A latent with a smaller mean KL, nats, is inactive: its posterior is almost the prior, with a standard deviation of at
# least e^−0.1 = 0.90 where means and variances are optimal. Variances of means over 0.01 (Burda et al. 2016) and mean
# KLs over 0.01 nats (Duan et al. 2020) would also count latents that carry no visible information.
ACTIVE_THRESHOLD = 0.1

Batch = TypeVar("Batch")
Result = TypeVar("Result")
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


def encode(vae: VAE, images: ImageSource, precision: str, report: ProgressCallback) -> Posteriors:
    """Return the posteriors of images, encoded on the model's device; raises BvaeError if one is NaN or infinite."""
    device = next(vae.parameters()).device
    # Preallocated: small tensors kept between the large ones of each batch would fragment the heap.
    mean, logvar = torch.empty(2, len(images), vae.latent_dim)

    def encode_batch(batch: tuple[slice, Images, slice]) -> slice:
        rows, block, part = batch
        with torch.inference_mode(), autocast(device, precision):
            mean[rows], logvar[rows] = vae.encode(block[part])
        return rows

    for rows in map_batches(encode_batch, block_batches(images, device), device):
        report("encoding", rows.stop, len(images))
    posteriors = Posteriors(mean, logvar)
    require_finite(mean, logvar, posteriors.kl)
    return posteriors


def block_batches(images: ImageSource, device: torch.device) -> Iterator[tuple[slice, Images, slice]]:
    """Yield each batch: its rows among all images, a block of images on the device, and its rows in that block."""
    done = 0
    for part in images.iter_blocks():
        block = part.to(device)
        for batch in batch_slices(block):
            yield slice(done + batch.start, done + batch.stop), block, batch
        done += len(part)


def map_batches(
    function: Callable[[Batch], Result], batches: Iterable[Batch], device: torch.device
) -> Iterator[Result]:
    """Yield the results of a function of each batch, in order; on a CPU each thread computes whole batches.

    Results do not depend on the number of threads, and no thread waits for another (see `training.sharded`).
    """
    if device.type == "cpu":
        with one_thread_per_operation():
            yield from map_ordered(function, batches, limit_torch_threads)
    else:
        yield from map(function, batches)


def reconstruction_losses(
    vae: VAE, images: Images, posteriors: Posteriors, precision: str, seed: int, report: ProgressCallback
) -> Tensor:
    """Return −log p(x|z), (images,), nats, for one sample z per posterior; raises BvaeError if one is not finite."""
    device, latent_dim = images.packed.device, posteriors.mean.shape[1]
    rng = torch.Generator(device).manual_seed(seed)
    losses = torch.empty(len(images))

    def decode_batch(batch_and_noise: tuple[slice, Tensor]) -> slice:
        batch, noise = batch_and_noise
        mean, logvar = posteriors.mean[batch].to(device), posteriors.logvar[batch].to(device)
        with torch.inference_mode(), autocast(device, precision):
            losses[batch] = vae.reconstruction_loss(mean + torch.exp(logvar / 2) * noise, images[batch])
        return batch

    def noisy_batches() -> Iterator[tuple[slice, Tensor]]:  # drawn in order, by one thread
        for batch in batch_slices(images):
            yield batch, torch.randn(batch.stop - batch.start, latent_dim, device=device, generator=rng)

    for batch in map_batches(decode_batch, noisy_batches(), device):
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
