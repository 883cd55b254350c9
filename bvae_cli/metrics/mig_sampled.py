"""The mutual information gap by sampling: Chen et al. 2018's own protocol (section 4.1 and appendix C)."""

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

SAMPLES = 10_000  # of each entropy
MIXTURE = 10_000  # posteriors that a density is the mean of
SAMPLES_PER_BLOCK = 100  # samples whose densities are computed at once: what stays in a processor's cache


def mig_sampled(
    mean: NDArray[np.float32], logvar: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    samples: int = SAMPLES, mixture: int = MIXTURE, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """How much more one latent tells of a factor than any other does, by samples of the posteriors.

    Densities of a latent, alone and given a factor's value, are means of posteriors; the authors average all of the
    data's, this at most `mixture` drawn ones. They leave the shape out.

    Args:
        mean: (images, latents), of each image's posterior.
        logvar: (images, latents).
        truth: the factors of the images.
        rng: draws images and samples.
        samples: how many each entropy is estimated from.
        mixture: how many posteriors a density is the mean of.
        report: says how many factors are done.

    Returns:
        `mig_sampled`: the gap between the two latents that tell most, by the factor's entropy, a mean over factors.
    """
    posteriors = torch.from_numpy(mean), torch.from_numpy(logvar)
    alone = entropy(*posteriors, truth.sample(samples, rng), truth.sample(mixture, rng), rng)
    information_gains = []
    for factor in range(len(truth.names)):
        information_gains.append(alone - conditional_entropy(posteriors, truth, factor, rng, samples, mixture))
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
    """(latents,): H(z_j given v_k), nats."""
    counts, total = truth.counts[factor], np.zeros(posteriors[0].shape[1])
    ends = np.cumsum(counts)
    for value, count in enumerate(counts):
        images = truth.sorted[factor][ends[value] - count : ends[value]]
        drawn = images[rng.integers(count, size=max(1, samples // len(counts)))]
        mixed = rng.permutation(images)[:mixture]
        total += count / len(truth) * entropy(*posteriors, drawn, mixed, rng)
    return total


def entropy(
    mean: Tensor, logvar: Tensor, drawn: NDArray[np.int64], mixed: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """(latents,): −E log q(z_j), nats, over samples of the drawn posteriors, q being the mean of the mixed ones."""
    noise = torch.from_numpy(rng.standard_normal((len(drawn), mean.shape[1]), dtype=np.float32))
    z = mean[drawn] + torch.exp(logvar[drawn] / 2) * noise
    total = torch.zeros(mean.shape[1], dtype=torch.float64)
    for indices in torch.split(z, SAMPLES_PER_BLOCK):
        total += log_density(indices, mean[mixed], logvar[mixed]).sum(dim=0, dtype=torch.float64)
    return np.asarray(-total / len(drawn))


def log_density(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """(samples, latents): the log of the mean density of (posteriors, latents) Gaussians at (samples, latents) z."""
    columns = []
    for value, centre, spread in zip(z.T, mean.T, logvar.T, strict=True):
        densities = gaussian.log_density(value[:, None], centre, spread)
        columns.append(clamped_logsumexp(densities) - math.log(len(mean)))
    return torch.stack(columns, dim=1)
