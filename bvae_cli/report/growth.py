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
from bvae_cli.report.plots import Plot, each_latent, line, moving, plot
from bvae_cli.report.reading import Curves, explained

STEP = re.compile(r"step-(\d{1,12})\.png")
MOST = 8  # pictures that are shown
GREATEST = 500_000  # bytes of one
RATE = "learning_rate"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Stage:
    """What a model drew on its way."""

    step: int
    value: float  # of the knob
    picture: str  # an address that holds the whole of it


@dataclass(frozen=True)
class Growth:
    """A knob that only grew, and what came as it did."""

    knob: str
    plots: list[Plot]
    stages: list[Stage]


def growth_of(curves: Curves, latents: Sequence[Latent], params: Params, folder: Path) -> Growth | None:
    """The first knob of the objective that moves, and never falls; None where there is no such.

    Raises:
        BvaeError: a picture in `folder`/pictures is damaged.
    """
    knob = next((name for name in moving(curves) if name != RATE and rises(curves, name)), None)
    if knob is None:
        return None
    grown = until_grown(curves, knob)
    words = f"How well pictures are drawn as {knob} grows, nats a picture."
    loss = plot(f"reconstruction-{knob}", "Reconstruction loss", words, [line(grown, "reconstruction")], across=knob)
    return Growth(knob, [each_latent(grown, latents, knob), loss], stages_of(folder / "pictures", params, knob))


def rises(curves: Curves, name: str) -> bool:
    """Whether a knob never falls."""
    return bool((np.diff(curves.columns[name]) >= 0).all())


def until_grown(curves: Curves, knob: str) -> Curves:
    """The curves over the knob in place of the steps, to where it is at its greatest."""
    values = curves.columns[knob]
    there = slice(int(values.argmax()) + 1)
    return Curves(values[there], {name: column[there] for name, column in curves.columns.items()}, curves.knobs)


def stages_of(folder: Path, params: Params, knob: str) -> list[Stage]:
    """Some of the pictures that training left, evenly over those at which the knob was another than before."""
    found = sorted((int(match[1]), path) for path in folder.glob("*.png") if (match := STEP.fullmatch(path.name)))
    moments = [(params.train.moment(max(0, step - 1)), step, path) for step, path in reversed(found)]
    valued = {values_at(params.objective, moment)[knob]: (step, path) for moment, step, path in moments}
    stages = sorted((step, value, path) for value, (step, path) in valued.items())
    return [Stage(step, value, png(path)) for step, value, path in spread(stages)]


def spread(items: Sequence[Item]) -> list[Item]:
    """So many of the items, evenly from the first to the last."""
    if len(items) <= MOST:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, MOST)]


def png(path: Path) -> str:
    """The address that holds a picture as it lies on the disk; raises BvaeError where it is none."""
    with explained(path):
        content = path.read_bytes()
        if len(content) > GREATEST:
            raise ValueError(f"it has more than {GREATEST:,} bytes")
        try:
            with Image.open(path, formats=["PNG"]) as picture:
                picture.verify()
        except Exception as error:  # Pillow's readers raise of all kinds
            raise ValueError("it is no picture") from error
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
