"""Scoring a model, or codes from anywhere."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.encoding import Posteriors, encode, reconstruction_losses
from bvae_cli.evaluation.codes import Codes
from bvae_cli.evaluation.decomposition import decompose_kl
from bvae_cli.evaluation.heatmap import write_heatmap
from bvae_cli.evaluation.scoring import Scores, add_metrics, select_factors, select_metrics
from bvae_cli.images.in_memory import ImageSource, sample_indices
from bvae_cli.latents import Latent, sort_by_kl, summarize_latents
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import mutual_information
from bvae_cli.metrics.udr import udr
from bvae_cli.models.vae import VAE
from bvae_cli.params import EvaluateParams
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_csv, write_text
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.reporting import ProgressCallback

UDR_IMAGES = 10_000  # images that models are compared on
ELBO_IMAGES = 20_000  # images that the bound is estimated from


@dataclass(frozen=True)
class Evaluation:
    """What a representation scores."""

    scores: Scores  # losses in nats an image, and metrics
    latents: Sequence[Latent] = ()  # from the most telling to the least; none of codes from elsewhere
    ranking: Sequence[float] = ()  # udr of the model and of each that it was compared with


def evaluate(
    checkpoint: Checkpoint,
    images: ImageSource,
    settings: EvaluateParams,
    device: torch.device,
    out: Path,
    report: ProgressCallback,
    others: Sequence[Checkpoint] = (),
) -> Evaluation:
    """Score a model on all images, each encoded once.

    `out` then holds metrics.json, latents.csv and mutual_information.*.

    Others are checkpoints to compare it with, for udr.

    Raises:
        BvaeError: there is no such metric or factor, the others are of other data, or `out` cannot be written.
    """
    require_folder(out)
    require_same_data(others, images)
    keep_freed_memory()
    truth = GroundTruth(images.factors(np.arange(len(images))), list(images.spec.factors))
    scored_truth, metrics = (
        select_factors(truth, settings.factors) if truth.names else None,
        select_metrics(settings.metrics),
    )
    scores, vae = Scores(), checkpoint.vae.to(device)
    encoding = add_losses(scores, vae, images, settings, report)
    add_kl_decomposition(scores, encoding, settings.seed, device, report)
    latents = sort_by_kl(summarize_latents(encoding, truth))
    scores.values["active_units"] = sum(latent.is_active for latent in latents)
    codes = Codes(encoding.mean.numpy(), encoding.logvar.numpy(), truth)
    add_metrics(scores, metrics, codes, scored_truth, settings, report)
    ranking = rank_by_udr(encoding, others, images, device, settings.seed, report) if others else []
    scores.values |= {"udr": ranking[0]} if ranking else {}
    write_results(out, scores, codes.mean, scored_truth)
    rows = [latent.to_row() for latent in latents]
    write_csv(out / "latents.csv", rows[0], (row.values() for row in rows))
    return Evaluation(scores, latents, ranking)


def evaluate_codes(codes: Codes, settings: EvaluateParams, out: Path, report: ProgressCallback) -> Evaluation:
    """Score codes that another program made.

    `out` then holds metrics.json, and mutual_information.* where factors are known.

    Raises:
        BvaeError: there is no such metric or factor, the codes are not sound, or `out` cannot be written.
    """
    require_folder(out)
    truth, scores = select_factors(codes.truth, settings.factors) if codes.truth else None, Scores()
    add_metrics(scores, select_metrics(settings.metrics), codes, truth, settings, report)
    write_results(out, scores, codes.mean, truth)
    return Evaluation(scores)


def add_losses(
    scores: Scores, vae: VAE, images: ImageSource, settings: EvaluateParams, report: ProgressCallback
) -> Posteriors:
    """Reconstruction, KL and evidence lower bound, nats an image; returns the posteriors of all images.

    The KL is the mean over all, the reconstruction over some, told with its standard error, unless all are wanted. The
    bound is without the constants that the Gaussian and the Laplace likelihood drop. All is computed in float32,
    whatever the model was trained in.
    """
    with scores.time_block("encoding"):
        encoding = encode(vae, images, "float32", report)
    every = settings.full_elbo or len(images) <= ELBO_IMAGES
    drawn = np.arange(len(images)) if every else sample_indices(images, ELBO_IMAGES, settings.seed)
    with scores.time_block("decoding"):
        shown = images.subset(drawn).to(next(vae.parameters()).device)
        losses = reconstruction_losses(vae, shown, encoding.subset(drawn), "float32", settings.seed, report)
    reconstruction, kl = losses.double().mean().item(), encoding.kl.double().sum(dim=1).mean().item()
    scores.values |= {"elbo": -reconstruction - kl, "reconstruction_loss": reconstruction, "kl": kl}
    if not every:
        error = losses.double().std().item() / len(losses) ** 0.5
        scores.stderrs |= {"elbo": error, "reconstruction_loss": error}
    return encoding


def add_kl_decomposition(
    scores: Scores, encoding: Posteriors, seed: int, device: torch.device, report: ProgressCallback
) -> None:
    """The parts of the KL of all images, with their standard errors."""
    with scores.time_block("decomposition"):
        parts, errors = decompose_kl(encoding, len(encoding.mean), seed, device, report)
    scores.values |= parts.as_dict()
    scores.stderrs |= errors.as_dict()


def write_results(out: Path, scores: Scores, codes: np.ndarray, truth: GroundTruth | None) -> None:
    """Write the scores, and what each latent tells of each factor."""
    write_text(out / "metrics.json", json.dumps(scores.to_dict(), indent=2) + "\n")
    if truth:
        information = mutual_information(codes, truth)
        latents = [f"z{index}" for index in range(len(information))]
        rows = ([latent, *row] for latent, row in zip(latents, information.tolist(), strict=True))
        write_csv(out / "mutual_information.csv", ["latent", *truth.names], rows)
        write_heatmap(out / "mutual_information.png", information, latents, truth.names, "mutual information, nats")


def read_results(folder: Path) -> Evaluation:
    """What was written to a folder; raises BvaeError where nothing was, or it is damaged."""
    try:
        scores = Scores.from_dict(json.loads((folder / "metrics.json").read_text()))
        with (folder / "latents.csv").open() as file:
            latents = [Latent.from_row(row) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise BvaeError(f"there are no scores in {folder}", f"bvae evaluate {folder / 'checkpoint.pt'}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BvaeError(f"the scores in {folder} are damaged", f"bvae evaluate {folder / 'checkpoint.pt'}") from error
    return Evaluation(scores, latents)


def require_same_data(models: Sequence[Checkpoint], images: ImageSource) -> None:
    """Raise BvaeError where a model to compare with was trained on other data."""
    if any(model.spec != images.spec for model in models):
        raise BvaeError("a checkpoint of --compare-with was trained on other data", "compare models of the same data.")


def rank_by_udr(
    encoding: Posteriors,
    others: Sequence[Checkpoint],
    images: ImageSource,
    device: torch.device,
    seed: int,
    report: ProgressCallback,
) -> list[float]:
    """How alike a model, by what it makes of all images, and others are to each other: the udr of each, on a part."""
    part = sample_indices(images, UDR_IMAGES, seed)
    shown, own = images.subset(part), encoding.subset(part)
    theirs = [encode(model.vae.to(device), shown, "float32", report) for model in others]
    return udr([each.mean[:, each.is_active].numpy() for each in (own, *theirs)], seed)
