"""β-VAE, and β-VAE whose latents keep some bits for nothing."""

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
    """reconstruction + β·Σ_j max(λ, KL_j) (Higgins et al. 2017, equation 4; λ: Kingma et al. 2016, appendix C.8)."""

    beta: Annotated[Schedule, "Weight β of the KL term."] = 4.0
    free_bits: Annotated[Schedule, "KL λ that costs a latent nothing, so that it does not die, nats."] = 0.0

    def __post_init__(self) -> None:
        require_at_least(self, 0, "beta", "free_bits")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """The loss of a batch, a scalar, nats an image; it is a latent's mean KL over the batch that is free."""
        kl = out.kl.mean(dim=0)  # (latent_dim,)
        return out.reconstruction_loss.mean() + step["beta"] * kl.clamp(min=step["free_bits"]).sum()
