"""β-VAE with a controlled increase of capacity."""

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
class AnnealedVAE(Objective):
    """reconstruction + γ·|KL − C|, with C growing from 0 and then held (Burgess et al. 2018, equation 8)."""

    gamma: Annotated[Schedule, "Weight γ that holds the KL at the capacity C."] = 1000.0
    capacity: Annotated[Schedule, "Capacity C, nats."] = ((0, 0.0), (100_000, 25.0))

    def __post_init__(self) -> None:
        require_at_least(self, 0, "gamma", "capacity")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """The loss of a batch, a scalar, nats an image; it is the batch's mean KL that is held at C."""
        kl = out.kl.sum(dim=1).mean()
        return out.reconstruction_loss.mean() + step["gamma"] * (kl - step["capacity"]).abs()
