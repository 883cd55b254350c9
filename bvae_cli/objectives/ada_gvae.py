"""Ada-GVAE: pairs of images, shared latents found from the posteriors and averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bvae_cli.objectives.objective import StepContext
from bvae_cli.objectives.pair_vae import Gaussian, PairVAE, adaptive_mask, arithmetic_average

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class AdaGVAE(PairVAE):
    """reconstruction + β·KL, posteriors of shared latents averaged (Locatello et al. 2020, section 4).

    A latent is shared if its divergence between both posteriors is below the middle of those of the pair.
    """

    def shared_latents(self, first: Gaussian, second: Gaussian, step: StepContext) -> Tensor:
        """Return a mask of the latents of low divergence, (pairs, latent_dim)."""
        return adaptive_mask(first, second)

    def average(self, first: Gaussian, second: Gaussian) -> Gaussian:
        """Return the arithmetic average of two posteriors."""
        return arithmetic_average(first, second)
