"""AnnealedVAE: β-VAE with a controlled increase of the encoding capacity."""

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
    """reconstruction + γ·|KL − C(t)| (Burgess et al. 2018, equation 8).

    The capacity C(t) grows linearly from 0 and is then constant.
    """

    gamma: Annotated[Schedule, "Weight γ of the distance between the KL and the capacity C."] = 1000.0
    capacity: Annotated[Schedule, "Capacity C, the target value of the KL, nats."] = ((0, 0.0), (100_000, 25.0))

    def __post_init__(self) -> None:
        require_at_least(self, 0, "gamma", "capacity")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image; C is the target of the KL averaged over the batch."""
        kl = out.kl.sum(dim=1).mean()
        return out.reconstruction_loss.mean() + step["gamma"] * (kl - step["capacity"]).abs()
