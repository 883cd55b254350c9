"""The part of a data set that a model is asked about, and the images that travel with it in its checkpoint."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.datasets import DATASETS
from bvae_cli.encoding import encode
from bvae_cli.images.in_memory import Images, ImageSource, sample_indices
from bvae_cli.latents import Latent, summarize_latents
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.models.vae import VAE
from bvae_cli.system.reporting import ProgressCallback

PROBE_IMAGES = 10_000  # images that a checkpoint's statistics of its latents are taken from
EXAMPLES = 32  # images that a checkpoint carries


@dataclass(frozen=True)
class ProbeSet:
    """Images from all over a data set, what is true of them, and some to show."""

    sample: Images  # on the device on which models are asked
    truth: GroundTruth
    shown: Images

    @classmethod
    def from_images(cls, images: ImageSource, seed: int, device: torch.device) -> "ProbeSet":
        """The images that the seed draws."""
        drawn = sample_indices(images, PROBE_IMAGES, seed)
        sample = images.subset(drawn)
        truth = GroundTruth(sample.factors(drawn), list(images.spec.factors))
        return cls(sample.to(device), truth, images.subset(select_examples(images)))

    @property
    def examples(self) -> Tensor:
        """The images to show as a checkpoint carries them: (images, channels, 64, 64) uint8, on the processor."""
        return (self.shown[:] * 255).byte().cpu()

    def latent_statistics(self, vae: VAE, precision: str, report: ProgressCallback) -> list[Latent]:
        """What is to be known of a model's latents; raises what `encode` does."""
        return summarize_latents(encode(vae, self.sample, precision, report), self.truth)


def select_examples(images: ImageSource) -> NDArray[np.int64]:
    """Numbers of images: those that the data set shows first, then some from all over it."""
    spec, entry = images.spec, DATASETS.get(images.spec.name)
    first = entry.showcase(spec.factor_sizes) if entry and entry.showcase and spec.num_samples is None else []
    shown = [spec.index(factors) for factors in first]
    return np.array([*shown, *sample_indices(images, EXAMPLES - len(shown), 0)])
