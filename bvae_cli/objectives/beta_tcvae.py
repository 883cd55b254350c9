"""β-TCVAE: the KL in its three parts, each with a weight of its own."""

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

    The three parts add up to the KL, exactly: I(x; z) is what the others leave of its closed form.
    """

    alpha: Annotated[Schedule, "Weight α of the mutual information of picture and code."] = 1.0
    beta: Annotated[Schedule, "Weight β of the total correlation."] = 6.0
    gamma: Annotated[Schedule, "Weight γ of the KL of each latent's own distribution."] = 1.0
    tc_estimator: Annotated[
        TCEstimator, "How a batch stands for all images: weighted as in the paper, or stratified."
    ] = "mws"

    min_batch_size: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require_at_least(self, 0, "alpha", "beta", "gamma")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """The loss of a batch: a scalar, nats an image."""
        total_correlation, dimension_wise = decompose_kl(out, step.num_images, self.tc_estimator)
        information = out.kl.mean(dim=0).sum() - total_correlation - dimension_wise
        regulariser = step["alpha"] * information + step["beta"] * total_correlation + step["gamma"] * dimension_wise
        return out.reconstruction_loss.mean() + regulariser


def decompose_kl(out: ForwardPass, images: int, sampling: TCEstimator) -> tuple[Tensor, Tensor]:
    """TC(z) and Σ_j KL(q(z_j) ‖ p(z_j)) as a batch out of so many images tells them: scalars, nats."""
    from bvae_cli.models.gaussian import log_density, log_prior

    densities = log_density(out.z[:, None], out.mean, out.logvar)  # (batch of z, batch of posteriors, latent_dim)
    weights = log_weights(densities, images, sampling)
    joint = (densities.sum(dim=2) + weights).logsumexp(dim=1)  # (batch,), log q(z)
    marginals = (densities + weights[..., None]).logsumexp(dim=1).sum(dim=1)  # (batch,), Σ_j log q(z_j)
    prior = log_prior(out.z).sum(dim=1)  # (batch,), log p(z)
    return (joint - marginals).mean(), (marginals - prior).mean()


def log_weights(densities: Tensor, images: int, sampling: TCEstimator) -> Tensor:
    """(batch of z, batch of posteriors): how much each posterior of a batch counts for in q(z), as logarithms.

    Weighted (Chen et al. 2018, equation 3): each by 1 / (images · batch). Stratified: as `stratified_log_weights` says.
    """
    import torch

    from bvae_cli.models.aggregate_posterior import stratified_log_weights

    batch = len(densities)
    uniform = -math.log(images * batch)
    own, others = stratified_log_weights(images, batch) if sampling == "mss" else (uniform, uniform)
    return torch.full((batch, batch), others, dtype=densities.dtype, device=densities.device).fill_diagonal_(own)
