"""DC-IGN: batches that vary in one factor, whose latents alone are to tell it."""

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
    """reconstruction + KL + ε·½·Σ_held (μ_j − μ̄_j)² (Kulkarni et al. 2015, sections 3.1 and 3.2).

    In each batch one factor varies. Latent j is of factor j mod K, K being the number of factors that vary in the data:
    the first K have one each, and further ones belong to them in turn, as the authors' factors have one latent or many.
    Those of all other factors are held: in place of each the decoder is given its mean over the batch, through which no
    gradient of the reconstruction comes; a pull to that mean, ε times the distance, comes in its place.
    """

    invariance_weight: Annotated[Schedule, "Weight ε of the pull of held latents to their mean over the batch."] = 0.01

    min_batch_size: ClassVar[int] = 2
    single_factor_batches: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_at_least(self, 0, "invariance_weight")

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """Encode, sample, hold the latents of factors that do not vary, decode and compare."""
        return vae(images, noise, lambda z: clamp_inactive(z, step))  # type: ignore[no-any-return]

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """The loss of a batch: a scalar, nats an image."""
        active = is_active(out.z, step)
        distance = (out.mean - out.mean.mean(dim=0)).square() * ~active / 2  # (batch, latent_dim)
        regulariser = out.kl + step["invariance_weight"] * distance
        return out.reconstruction_loss.mean() + regulariser.mean(dim=0).sum()


def is_active(z: Tensor, step: StepContext) -> Tensor:
    """(latent_dim,): whether each latent is of the factor that varies."""
    import torch

    return torch.arange(z.shape[1], device=z.device) % step.num_factors == step.active_factor


def clamp_inactive(z: Tensor, step: StepContext) -> Tensor:
    """(batch, latent_dim) codes, the mean over the batch in place of each latent that is not active."""
    return z.where(is_active(z, step), z.mean(dim=0).detach())
