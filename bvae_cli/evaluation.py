"""Scoring a model, or codes from anywhere."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.codes import Codes
from bvae_cli.datasets.images import Images
from bvae_cli.encoding import Encoding, encode, reconstruction_losses
from bvae_cli.errors import BvaeError
from bvae_cli.files import require_folder, write_csv, write_text
from bvae_cli.heatmap import write_heatmap
from bvae_cli.latents import Latent, by_kl, describe
from bvae_cli.memory import keep_freed_memory
from bvae_cli.metrics.mutual_information import mutual_information
from bvae_cli.metrics.truth import Truth
from bvae_cli.metrics.udr import udr
from bvae_cli.params import Evaluate
from bvae_cli.reporting import Report
from bvae_cli.scoring import Scores, restricted, score

COMPARED = 10_000  # images that models are compared on


@dataclass(frozen=True)
class Evaluation:
    """What a representation scores."""

    scores: Scores  # losses in nats an image, and metrics
    latents: list[Latent]  # from the most telling to the least; none of codes from elsewhere


def evaluate(
    checkpoint: Checkpoint,
    images: Images,
    settings: Evaluate,
    device: torch.device,
    out: Path,
    report: Report,
    others: Sequence[Checkpoint] = (),
) -> Evaluation:
    """Score a model on all images, each encoded once; `out` then holds metrics.json, latents.csv and information.*.

    Others are checkpoints to compare it with, for udr.

    Raises:
        BvaeError: there is no such metric or factor, the others are of other data, or `out` cannot be written.
    """
    require_folder(out)
    keep_freed_memory()
    truth = Truth.grid(images.spec.grid, list(images.spec.factors))
    asked = restricted(truth, settings.factors)
    vae, images, precision = checkpoint.vae.to(device), images.to(device), checkpoint.params.train.precision
    started = time.perf_counter()
    encoding = encode(vae, images, precision, report)
    encoded = time.perf_counter()
    reconstruction = reconstruction_losses(vae, images, encoding, precision, settings.seed, report)
    decoded = time.perf_counter()
    codes = Codes(encoding.mean.numpy(), encoding.logvar.numpy(), truth)
    scores = score(codes, asked, settings, report)
    if others:
        scores.values["udr"] = compare([checkpoint, *others], images, settings.seed, report)
    latents = by_kl(describe(encoding, truth))
    used = {"latents_used": sum(latent.used for latent in latents)}
    scores.values = losses(encoding, reconstruction) | used | scores.values
    scores.seconds = {"encoding": encoded - started, "decoding": decoded - encoded} | scores.seconds
    write(out, scores, codes.mean, asked)
    write_csv(
        out / "latents.csv", [field.name for field in fields(Latent)], (asdict(each).values() for each in latents)
    )
    return Evaluation(scores, latents)


def evaluate_codes(codes: Codes, settings: Evaluate, out: Path, report: Report) -> Evaluation:
    """Score codes that another program made; `out` then holds metrics.json, and information.* where factors are known.

    Raises:
        BvaeError: there is no such metric or factor, the codes are not sound, or `out` cannot be written.
    """
    require_folder(out)
    truth = restricted(codes.truth, settings.factors) if codes.truth else None
    scores = score(codes, truth, settings, report)
    write(out, scores, codes.mean, truth)
    return Evaluation(scores, [])


def write(out: Path, scores: Scores, codes: np.ndarray, truth: Truth | None) -> None:
    """Write the scores, and what each latent tells of each factor."""
    write_text(out / "metrics.json", json.dumps(scores.numbers(), indent=2) + "\n")
    if truth:
        information = mutual_information(codes, truth)
        latents = [f"z{index}" for index in range(len(information))]
        rows = ([latent, *row] for latent, row in zip(latents, information.tolist(), strict=True))
        write_csv(out / "information.csv", ["latent", *truth.names], rows)
        write_heatmap(out / "information.png", information, latents, truth.names, "mutual information, nats")


def compare(models: Sequence[Checkpoint], images: Images, seed: int, report: Report) -> float:
    """How alike the first model is to the others: its udr, on a part of the images."""
    for model in models[1:]:
        if model.spec != images.spec:
            raise BvaeError("a checkpoint of --against was trained on other data", "compare models of the same data.")
    some, device = images.at(images.some(COMPARED, seed)), images.packed.device
    encodings = [encode(model.vae.to(device), some, model.params.train.precision, report) for model in models]
    codes, kl = [each.mean.numpy() for each in encodings], [each.kl.mean(dim=0).numpy() for each in encodings]
    return udr(codes, kl, seed)[0]


def losses(encoding: Encoding, reconstructions: Tensor) -> dict[str, float]:
    """Reconstruction, KL and evidence lower bound, nats an image, over all images.

    The bound is without the constants that the Gaussian and the Laplace likelihood drop.
    """
    reconstruction = reconstructions.double().mean().item()
    kl = encoding.kl.double().sum(dim=1).mean().item()
    return {"elbo": -reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
