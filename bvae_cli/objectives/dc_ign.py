"""DC-IGN: batches in which one factor varies, encoded by the latents assigned to that factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from bvae_cli.objectives.objective import Objective, StepContext
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import VAE, ForwardPass


@dataclass(frozen=True)
class DCIGN(Objective):
    """reconstruction + KL + ε·½·Σ_{j inactive} (μ_j − μ̄_j)² (Kulkarni et al. 2015, sections 3.1 and 3.2).

    One factor of variation is active in each batch; all others are constant. Latent j is assigned to factor j mod K,
    K being the number of factors that vary in the data. The first K latents have one factor each; further latents are
    assigned in turn, since the authors' factors also have one or several latents. Latents of the constant factors
    are inactive: the decoder receives their mean over the batch, and no gradient of the reconstruction passes through
    it. In its place, the invariance term pulls each of them to that mean, with gradient ε·(μ_j − μ̄_j).
    """

    invariance_weight: Annotated[
        Schedule, "Weight ε of the invariance term: inactive latents are pulled to their batch mean."
    ] = 0.01

    min_batch_size: ClassVar[int] = 2
    single_factor_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_at_least(self, 0, "invariance_weight")

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """Return the forward pass, with the latents of constant factors clamped to their batch mean."""
        return vae(images, noise, lambda z: clamp_inactive(z, step))  # type: ignore[no-any-return]

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""
        active = is_active(out.z, step)
        distance = (out.mean - out.mean.mean(dim=0)).square() * ~active / 2  # (batch, latent_dim)
        regulariser = out.kl + step["invariance_weight"] * distance
        return out.reconstruction_loss.mean() + regulariser.mean(dim=0).sum()


def is_active(z: Tensor, step: StepContext) -> Tensor:
    """Return a mask of the latents assigned to the active factor, (latent_dim,)."""
    import torch

    return torch.arange(z.shape[1], device=z.device) % step.num_factors == step.active_factor


def clamp_inactive(z: Tensor, step: StepContext) -> Tensor:
    """Return (batch, latent_dim) codes in which each inactive latent is replaced by its mean over the batch."""
    return z.where(is_active(z, step), z.mean(dim=0).detach())
