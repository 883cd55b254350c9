"""The KL in its three parts, over a whole data set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from bvae_cli.encoding import Posteriors
from bvae_cli.models.aggregate_posterior import clamped_logsumexp, stratified_log_weights
from bvae_cli.models.gaussian import log_density, log_prior
from bvae_cli.system.reporting import ProgressCallback

SAMPLES = 1000  # codes that the parts are means over; as many posteriors are looked at together
MIXTURE = 100_000  # posteriors that q(z_j) is the mean of


@dataclass(frozen=True)
class KLDecomposition:
    """KL = I(x; z) + TC(z) + Σ_j KL(q(z_j) ‖ p(z_j)), nats (Chen et al. 2018, equation 2)."""

    index_code_mi: float
    total_correlation: float
    dimension_wise_kl: float

    def as_dict(self) -> dict[str, float]:
        """Each by the name it has in files."""
        return asdict(self)


@torch.inference_mode()
def decompose_kl(
    encoding: Posteriors, images: int, seed: int, device: torch.device, report: ProgressCallback
) -> tuple[KLDecomposition, KLDecomposition]:
    """The parts of the KL of a data set of so many images, and their standard errors.

    ln q(z) is taken at 1,000 codes, each of another posterior. q(z) is the mean of all posteriors that are there, each
    q(z_j) of 100,000 at most. What chance adds to the KL itself, which is known, is taken off the parts, which thereby
    add up to it.

    Where they are those of all images, q(z) is exact, and q(z_j) is that of enough for any latent: there is no bias to
    speak of. Of some, few are near a code: ln q(z) is too low, and with it TC(z), and I(x; z) is too high.
    """
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(encoding.mean), generator=random)
    mean, logvar = encoding.mean[order].to(device), encoding.logvar[order].to(device)
    noise = torch.randn(mean[:SAMPLES].shape, generator=random).to(device)
    z = mean[:SAMPLES] + torch.exp(logvar[:SAMPLES] / 2) * noise
    joint = joint_log_density(z, mean, logvar, images, report)
    marginals = marginal_log_densities(z, mean[:MIXTURE], logvar[:MIXTURE], images).sum(dim=1)
    own = log_density(z, mean[:SAMPLES], logvar[:SAMPLES]).sum(dim=1)
    prior = log_prior(z).sum(dim=1)
    parts = torch.stack([own - joint, joint - marginals, marginals - prior]).double()  # (3, samples)
    parts = apply_control_variate(parts, encoding.kl.double().sum(dim=1).mean().item())
    errors = parts.std(dim=1) / len(z) ** 0.5
    return KLDecomposition(*parts.mean(dim=1).tolist()), KLDecomposition(*errors.tolist())


def apply_control_variate(parts: Tensor, known: float) -> Tensor:
    """(parts, samples) of which the mean of the sum is known: each less its share, by regression, in what is off.

    The shares add up to 1, and so the means of the parts to what is known.
    """
    off = parts.sum(dim=0) - known
    centred = off - off.mean()
    shares = (parts * centred).sum(dim=1, keepdim=True) / centred.square().sum().clamp(min=1e-30)
    return parts - shares * off


def joint_log_density(z: Tensor, mean: Tensor, logvar: Tensor, images: int, report: ProgressCallback) -> Tensor:
    """(samples,): ln q(z) at (samples, latent_dim) codes, by (posteriors, latent_dim), theirs being the first."""
    z = z.double()  # whose squares, over small variances, are large
    codes = torch.cat([z.square(), z, torch.ones_like(z[:, :1])], dim=1)
    total = z.new_full((len(z),), -math.inf)
    for part, weights in weighted_blocks(len(z), len(mean), images):
        densities = codes @ coefficients(mean[part].double(), logvar[part].double()).mT
        logaddexp_(total, clamped_logsumexp(densities + weights.to(z.device)))
        report("decomposing the KL", part.stop, len(mean))
    return total


def coefficients(mean: Tensor, logvar: Tensor) -> Tensor:
    """(posteriors, 2·latent_dim + 1): what z², z and 1 are times in the logarithms of densities at z."""
    precision = torch.exp(-logvar)
    constant = (mean.square() * precision + logvar + math.log(2 * math.pi)).sum(dim=1, keepdim=True)
    return torch.cat([precision / -2, mean * precision, constant / -2], dim=1)


def marginal_log_densities(z: Tensor, mean: Tensor, logvar: Tensor, images: int) -> Tensor:
    """(samples, latent_dim): ln q(z_j) at codes, as in `joint_log_density`."""
    totals = torch.full_like(z.T, -math.inf)  # (latent_dim, samples)
    for part, weights in weighted_blocks(len(z), len(mean), images):
        for total, code, *posterior in zip(totals, z.T, mean[part].T, logvar[part].T, strict=True):
            logaddexp_(total, clamped_logsumexp(log_density(code[:, None], *posterior) + weights.to(z.device)))
    return totals.T


def logaddexp_(total: Tensor, logarithms: Tensor) -> None:
    """Add what logarithms are of to what the total is of, in place: new ones kept would leave a heap full of holes."""
    torch.logaddexp(total, logarithms, out=total)


def weighted_blocks(samples: int, posteriors: int, images: int) -> Iterator[tuple[slice, Tensor]]:
    """Some posteriors at a time, and the logarithm of what each counts for at each code.

    That is (samples, samples) of the first, each of which is a code's own, and a scalar of all others.
    """
    own, others = stratified_log_weights(images, posteriors)
    for start in range(0, posteriors, samples):
        part = slice(start, min(start + samples, posteriors))
        yield part, torch.tensor(others) if start else torch.full((samples, part.stop), others).fill_diagonal_(own)
