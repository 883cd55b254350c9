"""DC-IGN: batches that vary in one factor, whose latents alone are to tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from bvae_cli.objectives.objective import Objective, Step
from bvae_cli.objectives.schedule import Knob
from bvae_cli.system.checks import at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import VAE, ForwardPass


@dataclass(frozen=True)
class DcIgn(Objective):
    """reconstruction + KL + ε·½·Σ_held (μ_j − μ̄_j)² (Kulkarni et al. 2015, sections 3.1 and 3.2).

    In each batch one factor varies. Latent j is of factor j mod K, K being the number of factors that vary in the data:
    the first K have one each, and further ones belong to them in turn, as the authors' factors have one latent or many.
    Those of all other factors are held: in place of each the decoder is given its mean over the batch, through which no
    gradient of the reconstruction comes; a pull to that mean, ε times the distance, comes in its place.
    """

    invariance: Annotated[Knob, "Weight ε of the pull of held latents to their mean over the batch."] = 0.01

    least_batch: ClassVar[int] = 2
    one_factor: ClassVar[bool] = True

    def __post_init__(self) -> None:
        at_least(self, 0, "invariance")

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: Step) -> ForwardPass:
        """Encode, sample, hold the latents of factors that do not vary, decode and compare."""
        return vae(images, noise, lambda z: held(z, step))  # type: ignore[no-any-return]

    def __call__(self, out: ForwardPass, step: Step) -> Tensor:
        """The loss of a batch: a scalar, nats an image."""
        own = active(out.z, step)
        distance = (out.mean - out.mean.mean(dim=0)).square() * ~own / 2  # (batch, latent_dim)
        regulariser = out.kl + step["invariance"] * distance
        return out.reconstruction.mean() + regulariser.mean(dim=0).sum()


def active(z: Tensor, step: Step) -> Tensor:
    """(latent_dim,): whether each latent is of the factor that varies."""
    import torch

    return torch.arange(z.shape[1], device=z.device) % step.factors == step.factor


def held(z: Tensor, step: Step) -> Tensor:
    """(batch, latent_dim) codes, the mean over the batch in place of each latent that is not active."""
    return z.where(active(z, step), z.mean(dim=0).detach())
