"""What a model makes of images, each encoded once: scores, statistics and pictures are taken from this."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from bvae_cli.datasets.images import Images
from bvae_cli.device import arithmetic
from bvae_cli.errors import BvaeError
from bvae_cli.models.vae import VAE
from bvae_cli.reporting import Report

BATCH = {"cpu": 64, "cuda": 4096}  # on a processor, what stays in its caches: larger is slower


@dataclass(frozen=True)
class Encoding:
    """The posterior and the losses of each of some images, on the processor."""

    mean: Tensor  # (images, latent_dim)
    logvar: Tensor  # (images, latent_dim)
    kl: Tensor  # (images, latent_dim), nats
    reconstruction: Tensor  # (images,), nats


@torch.inference_mode()
def encode(vae: VAE, images: Images, index: Tensor, precision: str, seed: int, report: Report) -> Encoding:
    """Encode and reconstruct the images at an index, on the device on which the model and the images are.

    `seed` is that of the noise under the reconstructions, of which there is one an image.

    Raises:
        BvaeError: the model gives values that are not finite.
    """
    device, count = images.packed.device, len(index)
    noise = torch.Generator(device).manual_seed(seed)
    # Room for all at once: small tensors kept between the large ones of each batch leave a heap full of holes.
    mean, logvar, kl = torch.empty(3, count, vae.latent_dim)
    encoding, done = Encoding(mean, logvar, kl, torch.empty(count)), 0
    with arithmetic(device, precision):
        for batch in torch.split(index.to(device), BATCH[device.type]):
            out = vae(images[batch], torch.randn(len(batch), vae.latent_dim, device=device, generator=noise))
            here, done = slice(done, done + len(batch)), done + len(batch)
            for field in fields(Encoding):
                getattr(encoding, field.name)[here] = getattr(out, field.name)
            report("encoding", done, count)
    if not all(getattr(encoding, field.name).isfinite().all() for field in fields(Encoding)):
        raise BvaeError("the model gives values that are not finite", "train it with a lower --learning-rate.")
    return encoding
