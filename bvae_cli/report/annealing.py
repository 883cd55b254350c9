"""Learning progress over an annealed hyperparameter, as in Burgess et al. 2018 (arXiv 1804.03599), figures 4 and 5.

It is shown for any hyperparameter of the objective whose schedule never decreases.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from bvae_cli.evaluation.results import wrap_read_errors
from bvae_cli.latents import Latent
from bvae_cli.objectives.schedule import values_at
from bvae_cli.params import Params
from bvae_cli.report.plots import Plot, curve, latent_kl_plot, make_plot, scheduled_hyperparameters
from bvae_cli.report.run_files import Curves
from bvae_cli.system.opening import read_bytes

STEP = re.compile(r"step-(\d{1,12})\.png")
MAX_STAGES = 8  # images shown, at most
MAX_BYTES = 500_000  # size of one image file, at most
LEARNING_RATE = "learning_rate"

Item = TypeVar("Item")


@dataclass(frozen=True)
class AnnealingStage:
    """The reconstructions that training logged at one step."""

    step: int
    value: float  # of the hyperparameter
    image: str  # data URL


@dataclass(frozen=True)
class AnnealingCurve:
    """A hyperparameter that was annealed upwards, with curves over its value and logged reconstructions."""

    hyperparameter: str
    plots: list[Plot]
    stages: list[AnnealingStage]


def find_annealing_curve(
    curves: Curves, latents: Sequence[Latent], params: Params, folder: Path
) -> AnnealingCurve | None:
    """Return the first scheduled hyperparameter of the objective that never decreases; None if there is none.

    Raises:
        BvaeError: an image in `folder`/reconstructions is corrupt.
    """
    hyperparameter = next(
        (
            name
            for name in scheduled_hyperparameters(curves)
            if name != LEARNING_RATE and is_nondecreasing(curves, name)
        ),
        None,
    )
    if hyperparameter is None:
        return None
    annealed = truncate_at_maximum(curves, hyperparameter)
    loss = make_plot(
        f"reconstruction_loss-{hyperparameter}",
        "Reconstruction loss",
        f"Reconstruction loss as {hyperparameter} increases, nats per image.",
        [curve(annealed, "reconstruction_loss")],
        x_label=hyperparameter,
    )
    return AnnealingCurve(
        hyperparameter,
        [latent_kl_plot(annealed, latents, hyperparameter), loss],
        load_stages(folder / "reconstructions", params, hyperparameter),
    )


def is_nondecreasing(curves: Curves, name: str) -> bool:
    """Return whether a column never decreases."""
    return bool((np.diff(curves.columns[name]) >= 0).all())


def truncate_at_maximum(curves: Curves, hyperparameter: str) -> Curves:
    """Return the curves over the hyperparameter instead of the steps, up to its first maximum."""
    values = curves.columns[hyperparameter]
    rows = slice(int(values.argmax()) + 1)
    return Curves(values[rows], {name: column[rows] for name, column in curves.columns.items()}, curves.hyperparameters)


def load_stages(folder: Path, params: Params, hyperparameter: str) -> list[AnnealingStage]:
    """Return logged reconstructions, evenly spaced over the steps at which the hyperparameter had a new value."""
    files = sorted((int(match[1]), path) for path in folder.glob("*.png") if (match := STEP.fullmatch(path.name)))
    # reversed, so that the first step at which the hyperparameter has a value is the one that stays in the mapping
    images = [(params.train.reference_step(max(0, step - 1)), step, path) for step, path in reversed(files)]
    by_value = {values_at(params.objective, at)[hyperparameter]: (step, path) for at, step, path in images}
    stages = sorted((step, value, path) for value, (step, path) in by_value.items())
    return [AnnealingStage(step, value, png_url(path)) for step, value, path in pick_evenly(stages)]


def pick_evenly(items: Sequence[Item]) -> list[Item]:
    """Return at most MAX_STAGES items, evenly spaced from the first to the last."""
    if len(items) <= MAX_STAGES:
        return list(items)
    return [items[round(index)] for index in np.linspace(0, len(items) - 1, MAX_STAGES)]


def png_url(path: Path) -> str:
    """Return an image file as a data URL; raises BvaeError if it is not a PNG image."""
    with wrap_read_errors(path):
        content = read_bytes(path, MAX_BYTES)
        try:
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                image.verify()
        except Exception as error:  # Pillow raises many types of exceptions
            raise ValueError("not an image") from error
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
