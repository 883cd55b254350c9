"""Scoring a model."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.datasets.images import Images
from bvae_cli.encoding import Encoding, encode, reconstruction_losses
from bvae_cli.files import require_folder, write_csv, write_text
from bvae_cli.latents import Latent, by_kl, describe
from bvae_cli.memory import keep_freed_memory
from bvae_cli.metrics import METRICS
from bvae_cli.params import Evaluate
from bvae_cli.reporting import Report


@dataclass(frozen=True)
class Evaluation:
    """What a model scores on a data set."""

    scores: dict[str, float]  # losses in nats an image, metrics by name
    latents: list[Latent]  # from the most telling to the least


def evaluate(
    checkpoint: Checkpoint, images: Images, settings: Evaluate, device: torch.device, out: Path, report: Report
) -> Evaluation:
    """Score a model on all images, each encoded once; `out` then holds metrics.json and latents.csv.

    Raises:
        BvaeError: `out` cannot be written.
    """
    require_folder(out)
    keep_freed_memory()
    vae, images, precision = checkpoint.vae.to(device), images.to(device), checkpoint.params.train.precision
    encoding = encode(vae, images, precision, report)
    reconstruction = reconstruction_losses(vae, images, encoding, precision, settings.seed, report)
    latents = by_kl(describe(encoding, images.spec, images.factors(np.arange(len(images)))))
    scores = losses(encoding, reconstruction) | {"latents_used": sum(latent.used for latent in latents)}
    for done, metric in enumerate(METRICS.values()):
        report("scoring", done, len(METRICS))
        scores |= metric(encoding.mean.numpy(), images.spec.grid, np.random.default_rng(settings.seed))
    report("scoring", len(METRICS), len(METRICS))
    write_text(out / "metrics.json", json.dumps(scores, indent=2) + "\n")
    heading = [field.name for field in fields(Latent)]
    write_csv(out / "latents.csv", heading, (asdict(latent).values() for latent in latents))
    return Evaluation(scores, latents)


def losses(encoding: Encoding, reconstructions: Tensor) -> dict[str, float]:
    """Reconstruction, KL and evidence lower bound, nats an image, over all images.

    The bound is without the constants that the Gaussian and the Laplace likelihood drop.
    """
    reconstruction = reconstructions.double().mean().item()
    kl = encoding.kl.double().sum(dim=1).mean().item()
    return {"elbo": -reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
