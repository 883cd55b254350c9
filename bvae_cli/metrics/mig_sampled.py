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
from bvae_cli.models.aggregate_posterior import clamped_logsumexp, stratified_log_weights
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

SAMPLES = 10_000  # codes per entropy estimate
MIXTURE = 10_000  # posteriors averaged in each density
SAMPLES_PER_BLOCK = 100  # computed at once, so that densities stay in the CPU's cache


def mig_sampled(
    mean: NDArray[np.float32], logvar: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    samples: int = SAMPLES, mixture: int = MIXTURE, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute the mutual information gap with entropies estimated from samples of the posteriors.

    The densities q(z_j) and q(z_j | v_k) are averages of posteriors: of all images in the paper, estimated from at most
    `mixture` of them here. Posteriors that are so narrow that few of these overlap make the estimate too large; it may
    then exceed 1. The authors leave out the factor shape.

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
    marginal = entropy(*posteriors, np.arange(len(truth)), rng, samples, mixture)
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
        part = entropy(*posteriors, images, rng, max(1, samples // len(counts)), mixture)
        total += count / len(truth) * part
    return total


def entropy(
    mean: Tensor, logvar: Tensor, images: NDArray[np.int64], rng: np.random.Generator, samples: int, mixture: int
) -> NDArray[np.float64]:
    """Return −E ln q(z_j), nats, (latents,), where q is the mean of the posteriors of `images`.

    Each code is sampled from a posterior that is part of the estimate of q. Otherwise narrow posteriors, which overlap
    with few others, would seem to have an almost unlimited entropy.
    """
    components = rng.permutation(images)[:mixture]
    own = rng.integers(len(components), size=samples)
    noise = torch.from_numpy(rng.standard_normal((samples, mean.shape[1]), dtype=np.float32))
    mean, logvar = mean[components], logvar[components]
    weights = log_weights(len(images), len(components))
    total = torch.zeros(mean.shape[1], dtype=torch.float64)
    for index, block in zip(
        torch.split(torch.from_numpy(own), SAMPLES_PER_BLOCK), torch.split(noise, SAMPLES_PER_BLOCK), strict=True
    ):
        total += log_density(index, block, mean, logvar, weights).sum(dim=0, dtype=torch.float64)
    return np.asarray(-total / samples)


def log_weights(num_images: int, num_components: int) -> tuple[float, float]:
    """Return the log-weights in q of a code's own posterior and of each other posterior."""
    if num_components == num_images:
        return -math.log(num_images), -math.log(num_images)
    return stratified_log_weights(num_images, num_components)


def log_density(own: Tensor, noise: Tensor, mean: Tensor, logvar: Tensor, weights: tuple[float, float]) -> Tensor:
    """Return ln q(z_j) at codes z = mean + σ·noise of the `own` posteriors, (samples, latents).

    `noise` is (samples, latents); `mean` and `logvar` are (posteriors, latents).
    """
    own_weight, weight = weights
    z = mean[own] + torch.exp(logvar[own] / 2) * noise
    own_densities = gaussian.log_prior(noise) - logvar[own] / 2 + own_weight  # exact, however narrow the posterior
    columns = []
    for code, own_density, mean_j, logvar_j in zip(z.T, own_densities.T, mean.T, logvar.T, strict=True):
        log_densities = gaussian.log_density(code[:, None], mean_j, logvar_j) + weight
        columns.append(clamped_logsumexp(log_densities.scatter_(1, own[:, None], own_density[:, None])))
    return torch.stack(columns, dim=1)
