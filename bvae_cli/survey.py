"""The part of a data set that a model is asked about, and the images that travel with it in its checkpoint."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.images import Images, Source, some
from bvae_cli.encoding import encode
from bvae_cli.latents import Latent, describe
from bvae_cli.metrics.truth import Truth
from bvae_cli.models.vae import VAE
from bvae_cli.system.reporting import Report

SURVEYED = 10_000  # images that a checkpoint's statistics of its latents are taken from
EXAMPLES = 32  # images that a checkpoint carries


@dataclass(frozen=True)
class Survey:
    """Images from all over a data set, what is true of them, and some to show."""

    sample: Images  # on the device on which models are asked
    truth: Truth
    shown: Images

    @classmethod
    def of(cls, images: Source, seed: int, device: torch.device) -> "Survey":
        """The images that the seed draws."""
        drawn = some(images, SURVEYED, seed)
        sample = images.at(drawn)
        truth = Truth(sample.factors(drawn), list(images.spec.factors))
        return cls(sample.to(device), truth, images.at(chosen_examples(images)))

    @property
    def examples(self) -> Tensor:
        """The images to show as a checkpoint carries them: (images, channels, 64, 64) uint8, on the processor."""
        return (self.shown[:] * 255).byte().cpu()

    def latents(self, vae: VAE, precision: str, report: Report) -> list[Latent]:
        """What is to be known of a model's latents; raises what `encode` does."""
        return describe(encode(vae, self.sample, precision, report), self.truth)


def chosen_examples(images: Source) -> NDArray[np.int64]:
    """Numbers of images: those that the data set shows first, then some from all over it."""
    spec, entry = images.spec, DATASETS.get(images.spec.name)
    first = entry.showcase(spec.grid) if entry and entry.showcase and spec.listed is None else []
    shown = [spec.index(factors) for factors in first]
    return np.array([*shown, *some(images, EXAMPLES - len(shown), 0)])
