"""DIP-VAE-I: the covariance of the posterior means is matched to that of the prior."""

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
class DIPVAEI(Objective):
    """reconstruction + KL + λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)² (Kumar et al. 2018, equation 6).

    C = Cov[μ] is the covariance of the posterior means.
    """

    lambda_od: Annotated[Schedule, "Weight λ_od of the squared off-diagonal covariances."] = 10.0
    lambda_d: Annotated[Schedule, "Weight λ_d of the squared deviations of the variances from 1."] = 100.0

    def __post_init__(self) -> None:
        require_at_least(self, 0, "lambda_od", "lambda_d")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""
        from bvae_cli.objectives.covariance import covariance, penalty

        matrix = covariance(out.mean)
        bound = out.reconstruction_loss.mean() + out.kl.mean(dim=0).sum()
        return bound + penalty(matrix, step["lambda_od"], step["lambda_d"])
