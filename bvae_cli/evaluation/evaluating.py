"""Scoring a model, or codes from anywhere."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.datasets.images import Source, some
from bvae_cli.encoding import Encoding, encode, reconstruction_losses
from bvae_cli.evaluation.codes import Codes
from bvae_cli.evaluation.decomposition import decompose
from bvae_cli.evaluation.heatmap import write_heatmap
from bvae_cli.evaluation.scoring import Scores, add_metrics, chosen, restricted
from bvae_cli.latents import Latent, by_kl, describe
from bvae_cli.metrics.mutual_information import mutual_information
from bvae_cli.metrics.truth import Truth
from bvae_cli.metrics.udr import udr
from bvae_cli.models.vae import VAE
from bvae_cli.params import Evaluate
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_csv, write_text
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.reporting import Report

COMPARED = 10_000  # images that models are compared on
DECODED = 20_000  # images that the bound is estimated from


@dataclass(frozen=True)
class Evaluation:
    """What a representation scores."""

    scores: Scores  # losses in nats an image, and metrics
    latents: Sequence[Latent] = ()  # from the most telling to the least; none of codes from elsewhere
    ranking: Sequence[float] = ()  # udr of the model and of each that it was compared with


def evaluate(
    checkpoint: Checkpoint,
    images: Source,
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
    require_same_data(others, images)
    keep_freed_memory()
    truth = Truth(images.factors(np.arange(len(images))), list(images.spec.factors))
    asked, wanted = restricted(truth, settings.factors) if truth.names else None, chosen(settings.metrics)
    scores, vae = Scores(), checkpoint.vae.to(device)
    encoding = add_losses(scores, vae, images, checkpoint.params.train.precision, settings, report)
    add_parts(scores, encoding, settings.seed, device, report)
    latents = by_kl(describe(encoding, truth))
    scores.values["latents_used"] = sum(latent.used for latent in latents)
    codes = Codes(encoding.mean.numpy(), encoding.logvar.numpy(), truth)
    add_metrics(scores, wanted, codes, asked, settings, report)
    ranking = rank(encoding, others, images, device, settings.seed, report) if others else []
    scores.values |= {"udr": ranking[0]} if ranking else {}
    write(out, scores, codes.mean, asked)
    rows = (asdict(latent).values() for latent in latents)
    write_csv(out / "latents.csv", [field.name for field in fields(Latent)], rows)
    return Evaluation(scores, latents, ranking)


def evaluate_codes(codes: Codes, settings: Evaluate, out: Path, report: Report) -> Evaluation:
    """Score codes that another program made; `out` then holds metrics.json, and information.* where factors are known.

    Raises:
        BvaeError: there is no such metric or factor, the codes are not sound, or `out` cannot be written.
    """
    require_folder(out)
    truth, scores = restricted(codes.truth, settings.factors) if codes.truth else None, Scores()
    add_metrics(scores, chosen(settings.metrics), codes, truth, settings, report)
    write(out, scores, codes.mean, truth)
    return Evaluation(scores)


def add_losses(
    scores: Scores, vae: VAE, images: Source, precision: str, settings: Evaluate, report: Report
) -> Encoding:
    """Reconstruction, KL and evidence lower bound, nats an image; returns the posteriors of all images.

    The KL is the mean over all, the reconstruction over some, told with its standard error, unless all are wanted. The
    bound is without the constants that the Gaussian and the Laplace likelihood drop.
    """
    with scores.timed("encoding"):
        encoding = encode(vae, images, precision, report)
    every = settings.all or len(images) <= DECODED
    drawn = np.arange(len(images)) if every else some(images, DECODED, settings.seed)
    with scores.timed("decoding"):
        shown = images.at(drawn).to(next(vae.parameters()).device)
        losses = reconstruction_losses(vae, shown, encoding.at(drawn), precision, settings.seed, report)
    reconstruction, kl = losses.double().mean().item(), encoding.kl.double().sum(dim=1).mean().item()
    scores.values |= {"elbo": -reconstruction - kl, "reconstruction": reconstruction, "kl": kl}
    if not every:
        error = losses.double().std().item() / len(losses) ** 0.5
        scores.errors |= {"elbo": error, "reconstruction": error}
    return encoding


def add_parts(scores: Scores, encoding: Encoding, seed: int, device: torch.device, report: Report) -> None:
    """The parts of the KL of all images, with their standard errors."""
    with scores.timed("decomposition"):
        parts, errors = decompose(encoding, len(encoding.mean), seed, device, report)
    scores.values |= parts.named()
    scores.errors |= errors.named()


def write(out: Path, scores: Scores, codes: np.ndarray, truth: Truth | None) -> None:
    """Write the scores, and what each latent tells of each factor."""
    write_text(out / "metrics.json", json.dumps(scores.numbers(), indent=2) + "\n")
    if truth:
        information = mutual_information(codes, truth)
        latents = [f"z{index}" for index in range(len(information))]
        rows = ([latent, *row] for latent, row in zip(latents, information.tolist(), strict=True))
        write_csv(out / "information.csv", ["latent", *truth.names], rows)
        write_heatmap(out / "information.png", information, latents, truth.names, "mutual information, nats")


def read(folder: Path) -> Evaluation:
    """What was written to a folder; raises BvaeError where nothing was, or it is damaged."""
    try:
        scores = Scores.of(json.loads((folder / "metrics.json").read_text()))
        with (folder / "latents.csv").open() as file:
            latents = [Latent.of(row) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise BvaeError(f"there are no scores in {folder}", f"bvae evaluate {folder / 'checkpoint.pt'}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BvaeError(f"the scores in {folder} are damaged", f"bvae evaluate {folder / 'checkpoint.pt'}") from error
    return Evaluation(scores, latents)


def require_same_data(models: Sequence[Checkpoint], images: Source) -> None:
    """Raise BvaeError where a model to compare with was trained on other data."""
    if any(model.spec != images.spec for model in models):
        raise BvaeError("a checkpoint of --against was trained on other data", "compare models of the same data.")


def rank(
    encoding: Encoding, others: Sequence[Checkpoint], images: Source, device: torch.device, seed: int, report: Report
) -> list[float]:
    """How alike a model, by what it makes of all images, and others are to each other: the udr of each, on a part."""
    part = some(images, COMPARED, seed)
    shown, own = images.at(part), encoding.at(part)
    theirs = [encode(model.vae.to(device), shown, model.params.train.precision, report) for model in others]
    return udr([each.mean[:, each.used].numpy() for each in (own, *theirs)], seed)
