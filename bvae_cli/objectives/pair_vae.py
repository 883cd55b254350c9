"""VAEs of image pairs that average the posteriors of the latents that both images share."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from bvae_cli.objectives.objective import Objective, StepContext
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import VAE, ForwardPass

Gaussian = tuple["Tensor", "Tensor"]
"""Mean and log-variance, each (pairs, latent_dim)."""


@dataclass(frozen=True)
class PairVAE(Objective):
    """reconstruction + β·KL of the averaged posteriors, means over both images (Locatello et al. 2020, section 4)."""

    beta: Annotated[Schedule, "Weight β of the KL term."] = 1.0
    changes: Annotated[
        Literal["one", "random", "uniform", "all_but_one"], "Number of factors that change within a pair of images."
    ] = "random"

    min_batch_size: ClassVar[int] = 2
    knows_changes: ClassVar[bool] = False  # whether the changed factor is known, which needs a latent per factor

    def __post_init__(self) -> None:
        require_at_least(self, 0, "beta")

    @abstractmethod
    def shared_latents(self, first: Gaussian, second: Gaussian, step: StepContext) -> Tensor:
        """Return a mask of the latents that both images share, (pairs, latent_dim)."""

    @abstractmethod
    def average(self, first: Gaussian, second: Gaussian) -> Gaussian:
        """Return the average of two posteriors."""

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """Return the forward pass, with the posteriors of shared latents averaged over each pair of adjacent images."""
        return vae.decode_posterior(images, *self.share(*vae.encode(images), step), noise)

    def share(self, mean: Tensor, logvar: Tensor, step: StepContext) -> Gaussian:
        """Return the (batch, latent_dim) posteriors with shared latents averaged."""
        first, second = (mean[0::2], logvar[0::2]), (mean[1::2], logvar[1::2])
        shared = self.shared_latents(first, second, step)[:, None]  # (pairs, 1, latent_dim)
        averages = (value[:, None] for value in self.average(first, second))
        pairs = (value.reshape(-1, 2, value.shape[1]) for value in (mean, logvar))  # (pairs, 2, latent_dim)
        mixed = [average.where(shared, own).flatten(0, 1) for average, own in zip(averages, pairs, strict=True)]
        return mixed[0], mixed[1]

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""
        return out.reconstruction_loss.mean() + step["beta"] * out.kl.mean(dim=0).sum()


def adaptive_mask(first: Gaussian, second: Gaussian) -> Tensor:
    """Return the latents whose divergence is below the middle of the smallest and the largest one of their pair."""
    distance = divergence(first, second).detach()
    threshold = (distance.amax(dim=1, keepdim=True) + distance.amin(dim=1, keepdim=True)) / 2
    return distance < threshold


def divergence(first: Gaussian, second: Gaussian) -> Tensor:
    """Return 2·KL(first ‖ second) of each latent, nats, (pairs, latent_dim)."""
    (mean, logvar), (other_mean, other_logvar) = first, second
    ratio = (logvar - other_logvar).exp()
    return ratio + (other_mean - mean).square() * (-other_logvar).exp() - 1 + other_logvar - logvar


def unchanged_mask(first: Gaussian, step: StepContext) -> Tensor:
    """Return all latents but the one whose index is that of the changed factor, (pairs, latent_dim)."""
    import torch

    latents = torch.arange(first[0].shape[1], device=first[0].device)
    changed = torch.as_tensor(step.active_factor, device=latents.device)
    return latents != changed[:, None]


def arithmetic_average(first: Gaussian, second: Gaussian) -> Gaussian:
    """Return the mean of the means, and the logarithm of the mean of the variances (Hosoya 2019)."""
    (mean, logvar), (other_mean, other_logvar) = first, second
    return (mean + other_mean) / 2, logvar.logaddexp(other_logvar) - math.log(2)


def precision_weighted_average(first: Gaussian, second: Gaussian) -> Gaussian:
    """Return the precision-weighted mean, and the logarithm of the variances' harmonic mean (Bouchacourt et al. 2018).

    The variance is that of the normalised product of both densities, times two.
    """
    (mean, logvar), (other_mean, other_logvar) = first, second
    weight = (other_logvar - logvar).sigmoid()
    average = weight * mean + (1 - weight) * other_mean
    return average, math.log(2) + logvar + other_logvar - logvar.logaddexp(other_logvar)
