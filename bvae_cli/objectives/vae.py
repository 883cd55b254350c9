"""The evidence lower bound itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass
    from bvae_cli.objectives.schedule import Knobs


@dataclass(frozen=True)
class Vae:
    """reconstruction + KL (Kingma & Welling 2014, equation 3)."""

    def __call__(self, out: ForwardPass, knobs: Knobs) -> Tensor:
        """The loss of a batch: a scalar, nats an image."""
        return out.reconstruction.mean() + out.kl.sum(dim=1).mean()
