"""VAE: the negative evidence lower bound (ELBO)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvae_cli.objectives.objective import Objective, StepContext

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class VAEObjective(Objective):
    """reconstruction + KL (Kingma & Welling 2014, equation 3)."""

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""
        return out.reconstruction_loss.mean() + out.kl.mean(dim=0).sum()
