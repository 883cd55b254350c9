"""The KL decomposition of a model over a whole data set: I(x; z), total correlation and dimension-wise KL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from bvae_cli.encoding import Posteriors, map_batches
from bvae_cli.models.aggregate_posterior import clamped_logsumexp, stratified_log_weights
from bvae_cli.models.gaussian import log_density, log_prior
from bvae_cli.system.reporting import ProgressCallback

SAMPLES = 1000  # codes that the terms are averaged over; also the number of posteriors per block
MIXTURE = 100_000  # posteriors averaged in q(z_j)


@dataclass(frozen=True)
class KLDecomposition:
    """The three terms of KL = I(x; z) + TC(z) + Σ_j KL(q(z_j) ‖ p(z_j)), nats (Chen et al. 2018, equation 2)."""

    index_code_mi: float
    total_correlation: float
    dimension_wise_kl: float

    def as_dict(self) -> dict[str, float]:
        """Return the terms by their names in files."""
        return asdict(self)


@torch.inference_mode()
def decompose_kl(
    encoding: Posteriors, num_images: int, seed: int, device: torch.device, report: ProgressCallback
) -> tuple[KLDecomposition, KLDecomposition]:
    """Return the terms of the KL of a data set of `num_images` images, and their standard errors, nats.

    ln q(z) is evaluated at 1,000 codes, each sampled from a different posterior. q(z) is the mean of all given
    posteriors, each q(z_j) that of at most 100,000. The KL itself is known in closed form: it serves as a control
    variate, so that the terms add up to it.

    If the posteriors are those of all images, q(z) is exact and q(z_j) has enough posteriors for any latent: the bias
    is negligible. With the posteriors of some images only, few are near a code. ln q(z) and TC(z) are then biased
    downwards, and I(x; z) upwards.
    """
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(encoding.mean), generator=random)
    mean, logvar = encoding.mean[order].to(device), encoding.logvar[order].to(device)
    noise = torch.randn(mean[:SAMPLES].shape, generator=random).to(device)
    z = mean[:SAMPLES] + torch.exp(logvar[:SAMPLES] / 2) * noise
    joint = joint_log_density(z, mean, logvar, num_images, report)
    marginals = marginal_log_densities(z, mean[:MIXTURE], logvar[:MIXTURE], num_images).sum(dim=1)
    own = log_density(z, mean[:SAMPLES], logvar[:SAMPLES]).sum(dim=1)
    prior = log_prior(z).sum(dim=1)
    terms = torch.stack([own - joint, joint - marginals, marginals - prior]).double()  # (3, samples)
    terms = apply_control_variate(terms, encoding.kl.double().sum(dim=1).mean().item())
    stderrs = terms.std(dim=1) / len(z) ** 0.5
    return KLDecomposition(*terms.mean(dim=1).tolist()), KLDecomposition(*stderrs.tolist())


def apply_control_variate(terms: Tensor, expected_sum: float) -> Tensor:
    """Reduce the variance of (terms, samples) whose sum has the known mean `expected_sum`.

    The control variate is the deviation of a sample's sum from `expected_sum`; its coefficients are found by
    regression. They add up to 1, so that the means of the terms add up to `expected_sum`.
    """
    deviation = terms.sum(dim=0) - expected_sum
    centred = deviation - deviation.mean()
    coefficient = (terms * centred).sum(dim=1, keepdim=True) / centred.square().sum().clamp(min=1e-30)
    return terms - coefficient * deviation


def joint_log_density(z: Tensor, mean: Tensor, logvar: Tensor, num_images: int, report: ProgressCallback) -> Tensor:
    """Return ln q(z) at (samples, latent_dim) codes, (samples,).

    `mean` and `logvar` are (posteriors, latent_dim); the codes' own posteriors come first, in the order of the codes.
    """
    z = z.double()  # z² over a small variance is large, and float32 would lose the differences
    codes = torch.cat([z.square(), z, torch.ones_like(z[:, :1])], dim=1)
    total = z.new_full((len(z),), -math.inf)

    def block_log_density(block_and_weights: tuple[slice, Tensor]) -> tuple[slice, Tensor]:
        block, weights = block_and_weights
        with torch.inference_mode():
            log_densities = codes @ coefficients(mean[block].double(), logvar[block].double()).mT
            return block, clamped_logsumexp(log_densities + weights.to(z.device))

    blocks = weighted_blocks(len(z), len(mean), num_images)
    for block, block_total in map_batches(block_log_density, blocks, z.device):
        logaddexp_(total, block_total)
        report("decomposing the KL", block.stop, len(mean))
    return total


def coefficients(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return the coefficients of z², z and 1 in each posterior's log-density, (posteriors, 2·latent_dim + 1)."""
    precision = torch.exp(-logvar)
    constant = (mean.square() * precision + logvar + math.log(2 * math.pi)).sum(dim=1, keepdim=True)
    return torch.cat([precision / -2, mean * precision, constant / -2], dim=1)


def marginal_log_densities(z: Tensor, mean: Tensor, logvar: Tensor, num_images: int) -> Tensor:
    """Return ln q(z_j) at (samples, latent_dim) codes, (samples, latent_dim); see `joint_log_density`."""
    totals = torch.full_like(z.T, -math.inf)  # (latent_dim, samples)

    def block_log_densities(block_and_weights: tuple[slice, Tensor]) -> list[Tensor]:
        block, weights = block_and_weights
        latents = zip(z.T, mean[block].T, logvar[block].T, strict=True)
        with torch.inference_mode():
            return [
                clamped_logsumexp(log_density(code[:, None], *posterior) + weights.to(z.device))
                for code, *posterior in latents
            ]

    blocks = weighted_blocks(len(z), len(mean), num_images)
    for block_totals in map_batches(block_log_densities, blocks, z.device):
        for total, block_total in zip(totals, block_totals, strict=True):
            logaddexp_(total, block_total)
    return totals.T


def logaddexp_(total: Tensor, log_values: Tensor) -> None:
    """Compute ln(e^total + e^log_values) in place, since new tensors that are kept would fragment the heap."""
    torch.logaddexp(total, log_values, out=total)


def weighted_blocks(samples: int, num_posteriors: int, num_images: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield blocks of posteriors, with the log-weight of each posterior at each code.

    The log-weights are (samples, posteriors) for the first block, which contains each code's own posterior, and a
    scalar for all others.
    """
    own, others = stratified_log_weights(num_images, num_posteriors)
    for start in range(0, num_posteriors, samples):
        block = slice(start, min(start + samples, num_posteriors))
        yield block, torch.tensor(others) if start else torch.full((samples, block.stop), others).fill_diagonal_(own)
