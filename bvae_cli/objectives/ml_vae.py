"""Multi-level VAE: pairs of images whose changed factor is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from bvae_cli.objectives.objective import StepContext
from bvae_cli.objectives.pair_vae import Gaussian, PairVAE, precision_weighted_average, unchanged_mask

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MLVAE(PairVAE):
    """reconstruction + β·KL, posteriors of all latents but the changed one multiplied (Bouchacourt et al. 2018).

    Latent k belongs to factor k, as in disentanglement_lib; if several factors change, the last one is known.
    """

    changes: Annotated[
        Literal["one", "random", "uniform", "all_but_one"], "Number of factors that change within a pair of images."
    ] = "one"

    knows_changes: ClassVar[bool] = True

    def shared_latents(self, first: Gaussian, second: Gaussian, step: StepContext) -> Tensor:
        """Return a mask of all latents but that of the changed factor, (pairs, latent_dim)."""
        return unchanged_mask(first, step)

    def average(self, first: Gaussian, second: Gaussian) -> Gaussian:
        """Return the precision-weighted average of two posteriors."""
        return precision_weighted_average(first, second)
