"""The mutual information gap from posterior samples, the protocol of Chen et al. 2018 (section 4.1, appendix C)."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.metrics.gap import gap
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies
from bvae_cli.models import gaussian
from bvae_cli.models.aggregate_posterior import clamped_logsumexp
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

SAMPLES = 10_000  # codes per entropy estimate
MIXTURE = 10_000  # posteriors averaged in each density
SAMPLES_PER_BLOCK = 100  # computed at once, so that densities stay in the CPU's cache


def mig_sampled(
    mean: NDArray[np.float32], logvar: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    samples: int = SAMPLES, mixture: int = MIXTURE, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute the mutual information gap with entropies estimated from samples of the posteriors.

    The densities q(z_j) and q(z_j | v_k) are averages of posteriors: of all images in the paper, of at most `mixture`
    sampled ones here. The authors leave out the factor shape.

    Args:
        mean: (images, latents), posterior means.
        logvar: (images, latents), posterior log-variances.
        truth: ground-truth factors of the images.
        rng: samples images and codes.
        samples: number of codes per entropy estimate.
        mixture: number of posteriors averaged in each density.
        report: progress callback, called once per factor.

    Returns:
        `mig_sampled`: the gap relative to the factor's entropy, averaged over factors, 0 to 1.
    """
    posteriors = torch.from_numpy(mean), torch.from_numpy(logvar)
    marginal = entropy(*posteriors, truth.sample(samples, rng), truth.sample(mixture, rng), rng)
    information_gains = []
    for factor in range(len(truth.names)):
        information_gains.append(marginal - conditional_entropy(posteriors, truth, factor, rng, samples, mixture))
        report("sampling posteriors", factor + 1, len(truth.names))
    information = np.maximum(np.stack(information_gains, axis=1), 0.0)
    return {"mig_sampled": float(np.mean(gap(information) / entropies(truth)))}


def conditional_entropy(
    posteriors: tuple[Tensor, Tensor],
    truth: GroundTruth,
    factor: int,
    rng: np.random.Generator,
    samples: int,
    mixture: int,
) -> NDArray[np.float64]:
    """Return H(z_j | v_k), nats, (latents,)."""
    counts, total = truth.counts[factor], np.zeros(posteriors[0].shape[1])
    ends = np.cumsum(counts)
    for value, count in enumerate(counts):
        images = truth.sorted[factor][ends[value] - count : ends[value]]
        sampled = images[rng.integers(count, size=max(1, samples // len(counts)))]
        components = rng.permutation(images)[:mixture]
        total += count / len(truth) * entropy(*posteriors, sampled, components, rng)
    return total


def entropy(
    mean: Tensor, logvar: Tensor, sampled: NDArray[np.int64], components: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return −E log q(z_j), nats, (latents,): q is the mean of the `components`, z is drawn from those `sampled`."""
    noise = torch.from_numpy(rng.standard_normal((len(sampled), mean.shape[1]), dtype=np.float32))
    z = mean[sampled] + torch.exp(logvar[sampled] / 2) * noise
    total = torch.zeros(mean.shape[1], dtype=torch.float64)
    for block in torch.split(z, SAMPLES_PER_BLOCK):
        total += log_density(block, mean[components], logvar[components]).sum(dim=0, dtype=torch.float64)
    return np.asarray(-total / len(sampled))


def log_density(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Return the log of the mean density of (posteriors, latents) Gaussians at (samples, latents) codes z."""
    columns = []
    for code, mean_j, logvar_j in zip(z.T, mean.T, logvar.T, strict=True):
        log_densities = gaussian.log_density(code[:, None], mean_j, logvar_j)
        columns.append(clamped_logsumexp(log_densities) - math.log(len(mean)))
    return torch.stack(columns, dim=1)
