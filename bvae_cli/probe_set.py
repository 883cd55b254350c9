"""The probe set: a sample of a data set for latent statistics, and the example images stored in checkpoints."""

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
from bvae_cli.system.device import one_thread_per_operation
from bvae_cli.system.reporting import ProgressCallback

PROBE_IMAGES = 10_000  # images for the latent statistics in a checkpoint
EXAMPLES = 32  # example images in a checkpoint


@dataclass(frozen=True)
class ProbeSet:
    """A random sample of a data set with its ground-truth factors, and example images."""

    sample: Images  # on the device of the models
    truth: GroundTruth
    example_images: Images

    @classmethod
    def from_images(cls, images: ImageSource, seed: int, device: torch.device) -> "ProbeSet":
        """Return the probe set that is sampled with a seed."""
        indices = sample_indices(images, PROBE_IMAGES, seed)
        sample = images.subset(indices)
        truth = GroundTruth(sample.factors(indices), list(images.spec.factors))
        return cls(sample.to(device), truth, images.subset(select_examples(images)))

    @property
    def examples(self) -> Tensor:
        """The example images in the format of a checkpoint: (images, channels, 64, 64) uint8, on the CPU."""
        return (self.example_images[:] * 255).byte().cpu()

    @one_thread_per_operation()
    def latent_statistics(self, vae: VAE, report: ProgressCallback) -> list[Latent]:
        """Return the statistics of a model's latents; raises the same errors as `encode`."""
        return summarize_latents(encode(vae, self.sample, "float32", report), self.truth)


def select_examples(images: ImageSource) -> NDArray[np.int64]:
    """Return the indices of the example images: the data set's showcase images, then random ones."""
    spec, entry = images.spec, DATASETS.get(images.spec.name)
    showcase = entry.showcase(spec.factor_sizes) if entry and entry.showcase and spec.num_samples is None else []
    indices = [spec.index(factors) for factors in showcase]
    return np.array([*indices, *sample_indices(images, EXAMPLES - len(indices), 0)])
