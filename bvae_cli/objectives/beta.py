"""β-VAE, with β held or moved along a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from bvae_cli.objectives.schedule import Knobs, linear
from bvae_cli.system.checks import at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class Beta:
    """reconstruction + β·KL (Higgins et al. 2017, equation 4)."""

    beta: Annotated[float, "Weight β of the KL term; the last one where it is scheduled."] = 4.0
    beta_start: Annotated[float | None, "Weight β at the first step, from where it moves to --beta."] = None
    beta_steps: Annotated[int, "Steps that β takes from --beta-start to --beta; 0 holds it at --beta."] = 0

    def __post_init__(self) -> None:
        at_least(self, 0, "beta", "beta_start", "beta_steps")
        if self.beta_steps and self.beta_start is None:
            raise ValueError(f"beta_start is missing: from which β in {self.beta_steps} steps to {self.beta:g}?")

    def scheduled(self, step: int) -> dict[str, float]:
        """β at a step counted from 0."""
        if self.beta_start is None:
            return {"beta": self.beta}
        return {"beta": linear(self.beta_start, self.beta, step, self.beta_steps)}

    def __call__(self, out: ForwardPass, knobs: Knobs) -> Tensor:
        """The loss of a batch: a scalar, nats an image."""
        return out.reconstruction.mean() + knobs["beta"] * out.kl.sum(dim=1).mean()
