"""Fitting a model."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint, new_vae, save
from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.images import Images
from bvae_cli.device import arithmetic
from bvae_cli.encoding import encode
from bvae_cli.errors import BvaeError
from bvae_cli.files import require_folder, write_csv
from bvae_cli.latents import Latent, describe
from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.params import Params, Train
from bvae_cli.reporting import Report

SURVEYED = 10_000  # images that a checkpoint's statistics of its latents are taken from
EXAMPLES = 32  # images that a checkpoint carries


@dataclass(frozen=True)
class Progress:
    """Means over the steps since the one before."""

    step: int  # steps done
    loss: float
    reconstruction: float  # nats an image
    kl: list[float]  # of each latent, nats an image
    scheduled: dict[str, float]  # knobs of the objective at this step
    learning_rate: float


def fit(params: Params, images: Images, device: torch.device, out: Path, report: Report) -> Iterator[Progress]:
    """Train a model, saying how it goes; at the end, `out` holds checkpoint.pt and history.csv.

    Raises:
        BvaeError: there are fewer images than a batch holds, the loss is no longer finite, or `out` cannot be written.
    """
    require_folder(out)
    images = images.to(device)
    vae = new_vae(params, images.spec).to(device)
    history = []
    for progress in optimise(vae, params, images):
        history.append(progress)
        yield progress
    checkpoint = Checkpoint(
        params.train.steps, params, images.spec, vae, survey(vae, images, params.train, report), examples(images)
    )
    write_history(out / "history.csv", history)
    save(checkpoint, out / "checkpoint.pt")


def optimise(vae: VAE, params: Params, images: Images) -> Iterator[Progress]:
    """Update the weights step by step, yielding every `log_every` steps."""
    train, device = params.train, images.packed.device
    optimiser = torch.optim.Adam(vae.parameters(), fused=True)
    noise = torch.Generator(device).manual_seed(train.seed)
    sums = torch.zeros(2 + vae.latent_dim, device=device)
    for step, index in zip(range(train.steps), batches(len(images), train, device), strict=False):
        optimiser.param_groups[0]["lr"] = learning_rate(train, step)
        with arithmetic(device, train.precision):
            out = vae(images[index], torch.randn(len(index), vae.latent_dim, device=device, generator=noise))
            loss = params.objective(out, step)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        sums += totals(loss, out)
        if (step + 1) % train.log_every == 0 or step + 1 == train.steps:
            yield progress_of(sums / (step % train.log_every + 1), params, step)
            sums.zero_()


def batches(count: int, train: Train, device: torch.device) -> Iterator[Tensor]:
    """Indices of batches, for ever: every image once an epoch, in an order from the seed, the odd ones left out."""
    if count < train.batch_size:
        raise BvaeError(f"train.batch_size is {train.batch_size}, but there are only {count} images", "choose less.")
    order = torch.Generator().manual_seed(train.seed)
    while True:
        epoch = torch.randperm(count, generator=order).to(device)
        yield from torch.split(epoch, train.batch_size)[: count // train.batch_size]


def learning_rate(train: Train, step: int) -> float:
    """The rate at a step counted from 0: rising from zero, held, falling to zero."""
    rising = (step + 1) / max(train.warmup_steps, 1)
    falling = (train.steps - step) / max(train.decay_steps, 1)
    return train.learning_rate * min(1.0, rising, falling)


@torch.no_grad()
def totals(loss: Tensor, out: ForwardPass) -> Tensor:
    """(2 + latent_dim,): loss, reconstruction and the KL of each latent, left on the device."""
    return torch.cat([loss[None], out.reconstruction.mean()[None], out.kl.mean(dim=0)])


def progress_of(means: Tensor, params: Params, step: int) -> Progress:
    """The means as numbers; raises BvaeError where the loss is none."""
    loss, reconstruction, *kl = means.tolist()
    if not math.isfinite(loss):
        raise BvaeError(f"the loss is {loss} at step {step + 1}; nothing was saved", "try a lower --learning-rate.")
    rate = learning_rate(params.train, step)
    return Progress(step + 1, loss, reconstruction, kl, params.objective.scheduled(step), rate)


def survey(vae: VAE, images: Images, train: Train, report: Report) -> list[Latent]:
    """What is to be known of each latent, from a part of the images that the seed chooses."""
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(train.seed))[:SURVEYED]
    encoding = encode(vae, images, chosen, train.precision, train.seed, report)
    return describe(encoding, images.spec, images.factors(chosen.numpy()))


def examples(images: Images) -> Tensor:
    """(images, channels, 64, 64) uint8: those that the data set shows first, then some from all over it."""
    shown = [images.spec.index(factors) for factors in DATASETS[images.spec.name].showcase(images.spec.grid)]
    others = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: EXAMPLES - len(shown)]
    index = torch.cat([torch.tensor(shown), others]).to(images.packed.device)
    return (images[index] * 255).byte().cpu()


def write_history(path: Path, history: list[Progress]) -> None:
    """Write the curves, one line each `log_every` steps, the KL of each latent among them."""
    first = history[0]
    latents = [f"kl_{index}" for index in range(len(first.kl))]
    heading = ["step", "loss", "reconstruction", "kl", *first.scheduled, "learning_rate", *latents]
    rows = [
        [row.step, row.loss, row.reconstruction, sum(row.kl), *row.scheduled.values(), row.learning_rate, *row.kl]
        for row in history
    ]
    write_csv(path, heading, rows)
