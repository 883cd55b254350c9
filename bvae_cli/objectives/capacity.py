"""β-VAE with a controlled increase of capacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from bvae_cli.objectives.schedule import Knobs, linear
from bvae_cli.system.checks import at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class Capacity:
    """reconstruction + γ·|KL − C|, with C growing from 0 and then held (Burgess et al. 2018, equation 8)."""

    gamma: Annotated[float, "Weight γ that holds the KL at the capacity C."] = 1000.0
    capacity: Annotated[float, "Capacity C at the end of its growth, nats."] = 25.0
    capacity_steps: Annotated[int, "Steps that C takes to grow from 0."] = 100_000

    def __post_init__(self) -> None:
        at_least(self, 0, "gamma", "capacity", "capacity_steps")

    def scheduled(self, step: int) -> dict[str, float]:
        """C at a step counted from 0, nats."""
        return {"capacity": linear(0.0, self.capacity, step, self.capacity_steps)}

    def __call__(self, out: ForwardPass, knobs: Knobs) -> Tensor:
        """The loss of a batch, a scalar, nats an image; it is the batch's mean KL that is held at C."""
        kl = out.kl.sum(dim=1).mean()
        return out.reconstruction.mean() + self.gamma * (kl - knobs["capacity"]).abs()
