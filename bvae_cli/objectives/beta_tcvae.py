"""β-TCVAE: the KL decomposed into three terms with separate weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from bvae_cli.objectives.objective import Objective, StepContext
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass

TCEstimator = Literal["mws", "mss"]


@dataclass(frozen=True)
class BetaTCVAE(Objective):
    """reconstruction + α·I(x; z) + β·TC(z) + γ·Σ_j KL(q(z_j) ‖ p(z_j)) (Chen et al. 2018, equation 4).

    I(x; z) is the index-code mutual information, TC(z) the total correlation, the last term the dimension-wise KL.
    The three terms add up to the KL exactly: I(x; z) is computed as the closed-form KL minus the other two.
    """

    alpha: Annotated[Schedule, "Weight α of the index-code mutual information I(x; z)."] = 1.0
    beta: Annotated[Schedule, "Weight β of the total correlation."] = 6.0
    gamma: Annotated[Schedule, "Weight γ of the dimension-wise KL, Σ_j KL(q(z_j) ‖ p(z_j))."] = 1.0
    tc_estimator: Annotated[
        TCEstimator, "Estimator of q(z) from a batch: minibatch weighted (mws) or stratified (mss) sampling."
    ] = "mws"

    min_batch_size: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require_at_least(self, 0, "alpha", "beta", "gamma")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""
        total_correlation, dimension_wise_kl = decompose_kl(out, step.num_images, self.tc_estimator)
        index_code_mi = out.kl.mean(dim=0).sum() - total_correlation - dimension_wise_kl
        regulariser = (
            step["alpha"] * index_code_mi + step["beta"] * total_correlation + step["gamma"] * dimension_wise_kl
        )
        return out.reconstruction_loss.mean() + regulariser


def decompose_kl(out: ForwardPass, num_images: int, tc_estimator: TCEstimator) -> tuple[Tensor, Tensor]:
    """Return estimates of TC(z) and Σ_j KL(q(z_j) ‖ p(z_j)) from a batch out of `num_images`: scalars, nats."""
    from bvae_cli.models.gaussian import log_density, log_prior

    densities = log_density(out.z[:, None], out.mean, out.logvar)  # (batch of z, batch of posteriors, latent_dim)
    weights = log_weights(densities, num_images, tc_estimator)
    joint = (densities.sum(dim=2) + weights).logsumexp(dim=1)  # (batch,), log q(z)
    marginals = (densities + weights[..., None]).logsumexp(dim=1).sum(dim=1)  # (batch,), Σ_j log q(z_j)
    prior = log_prior(out.z).sum(dim=1)  # (batch,), log p(z)
    return (joint - marginals).mean(), (marginals - prior).mean()


def log_weights(densities: Tensor, num_images: int, tc_estimator: TCEstimator) -> Tensor:
    """Return the log-weight of each posterior in the estimate of q(z), (batch of z, batch of posteriors).

    Minibatch weighted sampling (Chen et al. 2018, equation 3): each posterior has the weight 1 / (N · batch).
    Minibatch stratified sampling: see `stratified_log_weights`.
    """
    import torch

    from bvae_cli.models.aggregate_posterior import stratified_log_weights

    batch = len(densities)
    uniform = -math.log(num_images * batch)
    own, others = stratified_log_weights(num_images, batch) if tc_estimator == "mss" else (uniform, uniform)
    return torch.full((batch, batch), others, dtype=densities.dtype, device=densities.device).fill_diagonal_(own)
