"""Evaluation of a model or of codes: losses, KL decomposition, metrics, latent statistics and UDR."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.encoding import Posteriors, encode, reconstruction_losses
from bvae_cli.evaluation.codes import Codes, ground_truth_of
from bvae_cli.evaluation.decomposition import decompose_kl
from bvae_cli.evaluation.heatmap import write_heatmap
from bvae_cli.evaluation.results import ENTROPY_ROW, read_latents, read_scores
from bvae_cli.evaluation.scoring import Scores, add_metrics, select_factors, select_metrics
from bvae_cli.images.in_memory import ImageSource, sample_indices
from bvae_cli.latents import Latent, latent_information, sort_by_kl, summarize_latents
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropies, mutual_information
from bvae_cli.metrics.udr import udr
from bvae_cli.models.vae import VAE
from bvae_cli.params import EvaluateParams
from bvae_cli.system.device import one_thread_per_operation
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_csv, write_text
from bvae_cli.system.memory import keep_freed_memory
from bvae_cli.system.reporting import ProgressCallback

UDR_IMAGES = 10_000  # images for the similarity of models
UDR_THRESHOLD = 0.01  # nats; latents with a smaller mean KL are left out (Duan et al. 2020, section 4)
ELBO_IMAGES = 20_000  # images that the ELBO is estimated from


@dataclass(frozen=True)
class Evaluation:
    """The scores of a representation."""

    scores: Scores  # losses in nats per image, and metrics
    latents: Sequence[Latent] = ()  # sorted by KL, highest first; empty for codes of other programs
    ranking: Sequence[float] = ()  # UDR of the model, then of each model it was compared with


@one_thread_per_operation()
def evaluate(
    checkpoint: Checkpoint,
    images: ImageSource,
    settings: EvaluateParams,
    device: torch.device,
    out: Path,
    report: ProgressCallback,
    others: Sequence[Checkpoint] = (),
) -> Evaluation:
    """Evaluate a model on all images, each encoded once.

    Writes metrics.json, latents.csv and mutual_information.* to `out`. `others` are checkpoints to compare the model
    with, by UDR.

    Raises:
        BvaeError: a metric or factor is not found, `others` were trained on different data, or `out` cannot be
            written.
    """
    require_folder(out)
    require_same_data(others, images)
    keep_freed_memory()
    truth = ground_truth_of(images)
    scored_truth = select_factors(truth, settings.factors) if truth.names else None
    metrics = select_metrics(settings.metrics)
    scores, vae = Scores(), checkpoint.vae.to(device)
    encoding = add_losses(scores, vae, images, settings, report)
    add_kl_decomposition(scores, encoding, settings.seed, device, report)
    latents = sort_by_kl(summarize_latents(encoding, truth))
    scores.values["active_units"] = sum(latent.is_active for latent in latents)
    codes = Codes(encoding.mean.numpy(), encoding.logvar.numpy(), truth)
    try:
        add_metrics(scores, metrics, codes, scored_truth, settings, report)
    except BvaeError as error:  # the losses are kept
        scores.not_computed |= dict.fromkeys(metrics, error.message)
    ranking = rank_by_udr(encoding, others, images, device, settings.seed, report) if others else []
    scores.values |= {"udr": ranking[0]} if ranking else {}
    information = latent_information(encoding, scored_truth) if scored_truth else None
    write_results(out, scores, information, scored_truth)
    rows = [latent.to_row() for latent in latents]
    write_csv(out / "latents.csv", rows[0], (row.values() for row in rows))
    return Evaluation(scores, latents, ranking)


def evaluate_codes(codes: Codes, settings: EvaluateParams, out: Path, report: ProgressCallback) -> Evaluation:
    """Evaluate codes made by another program.

    Writes metrics.json to `out`, and mutual_information.* if factors are known.

    Raises:
        BvaeError: a metric or factor is not found, the codes are invalid, or `out` cannot be written.
    """
    require_folder(out)
    truth, scores = select_factors(codes.truth, settings.factors) if codes.truth else None, Scores()
    add_metrics(scores, select_metrics(settings.metrics), codes, truth, settings, report)
    write_results(out, scores, mutual_information(codes.mean, truth) if truth else None, truth)
    return Evaluation(scores)


def add_losses(
    scores: Scores, vae: VAE, images: ImageSource, settings: EvaluateParams, report: ProgressCallback
) -> Posteriors:
    """Add reconstruction loss, KL and ELBO, nats per image, to the scores; return the posteriors of all images.

    The KL is averaged over all images. The reconstruction loss is averaged over a sample of the images and has a
    standard error, unless `full_elbo` is set. The ELBO lacks the constants dropped by the Gaussian and the Laplace
    likelihood. Everything is computed in float32, whatever the training precision.
    """
    with scores.time_block("encoding"):
        encoding = encode(vae, images, "float32", report)
    uses_all = settings.full_elbo or len(images) <= ELBO_IMAGES
    indices = np.arange(len(images)) if uses_all else sample_indices(images, ELBO_IMAGES, settings.seed)
    with scores.time_block("decoding"):
        subset = images.subset(indices).to(next(vae.parameters()).device)
        losses = reconstruction_losses(vae, subset, encoding.subset(indices), "float32", settings.seed, report)
    reconstruction, kl = losses.double().mean().item(), encoding.kl.double().sum(dim=1).mean().item()
    scores.values |= {"elbo": -reconstruction - kl, "reconstruction_loss": reconstruction, "kl": kl}
    if not uses_all:
        stderr = losses.double().std().item() / len(losses) ** 0.5
        scores.stderrs |= {"elbo": stderr, "reconstruction_loss": stderr}
    return encoding


def add_kl_decomposition(
    scores: Scores, encoding: Posteriors, seed: int, device: torch.device, report: ProgressCallback
) -> None:
    """Add the three terms of the KL over all images, with their standard errors, to the scores."""
    with scores.time_block("decomposition"):
        terms, stderrs = decompose_kl(encoding, len(encoding.mean), seed, device, report)
    scores.values |= terms.as_dict()
    scores.stderrs |= stderrs.as_dict()


def write_results(
    out: Path, scores: Scores, information: NDArray[np.float64] | None, truth: GroundTruth | None
) -> None:
    """Write metrics.json and, if factors are known, their mutual information with the latents, nats, and entropies."""
    write_text(out / "metrics.json", json.dumps(scores.to_dict(), indent=2, allow_nan=False) + "\n")
    if information is not None and truth:
        latents, entropy = [f"z{index}" for index in range(len(information))], entropies(truth)
        rows = ([latent, *row] for latent, row in zip(latents, information.tolist(), strict=True))
        write_csv(out / "mutual_information.csv", ["latent", *truth.names], [*rows, [ENTROPY_ROW, *entropy.tolist()]])
        title = "mutual information of latent and factor / entropy of the factor"
        write_heatmap(out / "mutual_information.png", information / entropy, latents, truth.names, title)


def read_results(folder: Path) -> Evaluation:
    """Read the scores and latents that `evaluate` wrote; raise BvaeError if they are not found or corrupt."""
    table = folder / "latents.csv"
    try:
        return Evaluation(
            read_scores(folder / "metrics.json"), sort_by_kl(read_latents(table)) if table.exists() else ()
        )
    except FileNotFoundError as error:
        raise BvaeError(f"scores not found in {folder}", f"bvae evaluate {folder / 'checkpoint.pt'}") from error


def require_same_data(models: Sequence[Checkpoint], images: ImageSource) -> None:
    """Raise BvaeError if a model to compare with was trained on different data."""
    if any(not model.spec.is_same_data(images.spec) for model in models):
        raise BvaeError(
            "a checkpoint of --compare-with was trained on different data", "compare models trained on the same data."
        )


def rank_by_udr(
    encoding: Posteriors,
    others: Sequence[Checkpoint],
    images: ImageSource,
    device: torch.device,
    seed: int,
    report: ProgressCallback,
) -> list[float]:
    """Return the UDR of a model and of each of the others, on a sample of the images.

    `encoding` is the posteriors of all images under the model.
    """
    indices = sample_indices(images, UDR_IMAGES, seed)
    subset = images.subset(indices)
    encodings = [encoding.subset(indices)]
    encodings += [encode(model.vae.to(device), subset, "float32", report) for model in others]
    kept = (posteriors.mean[:, posteriors.kl.mean(dim=0) > UDR_THRESHOLD] for posteriors in encodings)
    return udr([mean.numpy() for mean in kept], seed)
