"""β-VAE, with optional free bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from bvae_cli.objectives.objective import Objective, StepContext
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class BetaVAE(Objective):
    """reconstruction + β·Σ_j max(λ, KL_j) (Higgins et al. 2017, equation 4).

    λ is the free-bits threshold (Kingma et al. 2016, appendix C.8).
    """

    beta: Annotated[Schedule, "Weight β of the KL term."] = 4.0
    free_bits: Annotated[Schedule, "Free-bits threshold λ per latent, nats: KL below it is not penalised."] = 0.0

    def __post_init__(self) -> None:
        require_at_least(self, 0, "beta", "free_bits")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image; λ applies to the batch mean of each latent's KL."""
        kl = out.kl.mean(dim=0)  # (latent_dim,)
        return out.reconstruction_loss.mean() + step["beta"] * kl.clamp(min=step["free_bits"]).sum()
