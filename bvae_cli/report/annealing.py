"""What came as a knob grew: Burgess et al. 2018 (arXiv 1804.03599), figures 4 and 5, of any knob that only grows."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from bvae_cli.latents import Latent
from bvae_cli.objectives.schedule import values_at
from bvae_cli.params import Params
from bvae_cli.report.plots import Plot, curve, latent_kl_plot, make_plot, scheduled_hyperparameters
from bvae_cli.report.run_files import Curves, wrap_read_errors

STEP = re.compile(r"step-(\d{1,12})\.png")
MAX_STAGES = 8  # pictures that are shown
MAX_BYTES = 500_000  # bytes of one
RATE = "learning_rate"

Item = TypeVar("Item")


@dataclass(frozen=True)
class AnnealingStage:
    """What a model drew on its way."""

    step: int
    value: float  # of the knob
    image: str  # an address that holds the whole of it


@dataclass(frozen=True)
class AnnealingCurve:
    """A knob that only grew, and what came as it did."""

    hyperparameter: str
    plots: list[Plot]
    stages: list[AnnealingStage]


def find_annealing_curve(
    curves: Curves, latents: Sequence[Latent], params: Params, folder: Path
) -> AnnealingCurve | None:
    """The first knob of the objective that moves, and never falls; None where there is no such.

    Raises:
        BvaeError: a picture in `folder`/pictures is damaged.
    """
    hyperparameter = next(
        (name for name in scheduled_hyperparameters(curves) if name != RATE and is_nondecreasing(curves, name)), None
    )
    if hyperparameter is None:
        return None
    grown = truncate_at_maximum(curves, hyperparameter)
    words = f"How well pictures are drawn as {hyperparameter} grows, nats a picture."
    loss = make_plot(
        f"reconstruction_loss-{hyperparameter}",
        "Reconstruction loss",
        words,
        [curve(grown, "reconstruction_loss")],
        across=hyperparameter,
    )
    return AnnealingCurve(
        hyperparameter,
        [latent_kl_plot(grown, latents, hyperparameter), loss],
        load_stages(folder / "reconstructions", params, hyperparameter),
    )


def is_nondecreasing(curves: Curves, name: str) -> bool:
    """Whether a knob never falls."""
    return bool((np.diff(curves.columns[name]) >= 0).all())


def truncate_at_maximum(curves: Curves, hyperparameter: str) -> Curves:
    """The curves over the knob in place of the steps, to where it is at its greatest."""
    values = curves.columns[hyperparameter]
    there = slice(int(values.argmax()) + 1)
    return Curves(
        values[there], {name: column[there] for name, column in curves.columns.items()}, curves.hyperparameters
    )


def load_stages(folder: Path, params: Params, hyperparameter: str) -> list[AnnealingStage]:
    """Some of the pictures that training left, evenly over those at which the knob was another than before."""
    found = sorted((int(match[1]), path) for path in folder.glob("*.png") if (match := STEP.fullmatch(path.name)))
    moments = [(params.train.reference_step(max(0, step - 1)), step, path) for step, path in reversed(found)]
    valued = {values_at(params.objective, moment)[hyperparameter]: (step, path) for moment, step, path in moments}
    stages = sorted((step, value, path) for value, (step, path) in valued.items())
    return [AnnealingStage(step, value, png_url(path)) for step, value, path in pick_evenly(stages)]


def pick_evenly(items: Sequence[Item]) -> list[Item]:
    """So many of the items, evenly from the first to the last."""
    if len(items) <= MAX_STAGES:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, MAX_STAGES)]


def png_url(path: Path) -> str:
    """The address that holds a picture as it lies on the disk; raises BvaeError where it is none."""
    with wrap_read_errors(path):
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        try:
            with Image.open(path, formats=["PNG"]) as picture:
                picture.verify()
        except Exception as error:  # Pillow's readers raise of all kinds
            raise ValueError("it is no picture") from error
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
