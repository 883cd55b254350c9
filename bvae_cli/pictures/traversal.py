"""Pictures of what each latent does while the others are held."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.latents import Latent, by_kl
from bvae_cli.models.vae import VAE
from bvae_cli.params import Traverse
from bvae_cli.pictures.rendering import Label, Pixels, table, tiles_of, write_gif, write_png
from bvae_cli.system.errors import BvaeError

ZOOM = 3  # of the film of a single latent


@dataclass(frozen=True)
class Axis:
    """A latent as it is moved, and what is written beside it."""

    index: int
    low: float
    high: float
    follows: str = ""
    details: tuple[str, ...] = ()
    used: bool = True

    @classmethod
    def of(cls, latent: Latent, settings: Traverse) -> "Axis":
        """A latent of which is known what it tells and how far it goes."""
        low, high = (latent.low, latent.high) if settings.range == "data" else (-settings.span, settings.span)
        return cls(latent.index, low, high, latent.follows, (f"KL {latent.kl:.2f} nats",), latent.used)


@torch.inference_mode()
def traverse(
    checkpoint: Checkpoint, images: Tensor | None, settings: Traverse, chosen: Sequence[int], out: Path
) -> Iterator[Path]:
    """Draw a table and a film of all latents, and a film of each; yields each file when it is written.

    Args:
        checkpoint: the model.
        images: (images, channels, 64, 64) in [0, 1], whose codes are held; None to hold what the settings say.
        settings: how far, how fast, how many.
        chosen: numbers of the latents to move; none for all. Those that are unused are then but named in table and
            film, unless the settings say otherwise.
        out: the folder to write to.

    Raises:
        BvaeError: there is no such latent, the checkpoint does not say what the data spans, or `out` cannot be written.
    """
    chosen = [farthest(checkpoint)] if settings.farthest else chosen
    axes = select(axes_of(checkpoint, settings), chosen)
    starts = start_codes(checkpoint.vae, images, settings)
    shown = axes if settings.all or chosen else [axis for axis in axes if axis.used] or axes
    note = note_of([axis for axis in axes if axis not in shown])
    yield write_png(out / "traversal.png", sheet(checkpoint.vae, shown, starts, settings, note))
    films = np.stack([film(checkpoint.vae, axis, starts, settings) for axis in axes])  # the used come first
    yield write_gif(out / "traversal.gif", pages(films[: len(shown)], shown, settings, note=note), settings.fps)
    for axis, alone in zip(axes, films, strict=True):
        path = out / "latents" / f"z{axis.index}.gif"
        yield write_gif(path, pages(alone[None], [axis], settings, zoom=ZOOM), settings.fps)


def axes_of(checkpoint: Checkpoint, settings: Traverse) -> list[Axis]:
    """The latents, the most telling first; in their own order, over the prior's range, where nothing is known of them.

    Raises BvaeError where nothing is known and the range of the data is asked for.
    """
    if checkpoint.latents:
        return [Axis.of(latent, settings) for latent in by_kl(checkpoint.latents)]
    if settings.range == "data":
        raise BvaeError(
            "the checkpoint does not say what the data spans",
            "take --range prior; or import the model again where its data is.",
        )
    return [Axis(index, -settings.span, settings.span) for index in range(checkpoint.vae.latent_dim)]


def farthest(checkpoint: Checkpoint) -> int:
    """The latent whose mean over the data is farthest from zero; raises BvaeError where nothing is known of it."""
    centres = [abs(latent.centre) for latent in checkpoint.latents]
    if not centres or math.isnan(sum(centres)):
        raise BvaeError(
            "the checkpoint does not say where the means of its latents lie",
            "choose one: --latent N; or train it anew.",
        )
    return centres.index(max(centres))


def select(axes: list[Axis], chosen: Sequence[int]) -> list[Axis]:
    """Those of these numbers, or all where none is given; raises BvaeError where there is no such number."""
    for index in chosen:
        if not 0 <= index < len(axes):
            raise BvaeError(f"there is no latent {index}", f"this model has latents 0 to {len(axes) - 1}.")
    return [axis for axis in axes if axis.index in chosen or not chosen]


def start_codes(vae: VAE, images: Tensor | None, settings: Traverse) -> Tensor:
    """(starts, latent_dim): the codes that are held, means of posteriors or draws of the prior."""
    if images is not None:
        return vae.encode(images)[0]
    if settings.start == "zero":
        return torch.zeros(1, vae.latent_dim)
    draws = torch.Generator().manual_seed(settings.seed)
    return torch.randn(settings.images, vae.latent_dim, generator=draws)


def note_of(folded: list[Axis]) -> str:
    """Which latents are not drawn, and why."""
    return ", ".join(f"z{axis.index}" for axis in folded) + ": unused" if folded else ""


def sheet(vae: VAE, axes: list[Axis], starts: Tensor, settings: Traverse, note: str) -> Pixels:
    """A row a latent, a block of columns a start, in each the latent from the low to the high end of its range."""
    positions = np.linspace(0, 1, settings.columns)
    rows = [moved(vae, axis, starts, positions).swapaxes(0, 1) for axis in axes]
    tiles = np.stack(rows).reshape(len(rows), -1, *rows[0].shape[2:])  # (latents, starts · columns, …)
    low, high = ("min", "max") if settings.range == "data" else (f"-{settings.span:g}", f"+{settings.span:g}")
    headings = [low, *[""] * (settings.columns - 2), high] * len(starts)
    return table(tiles, [label(axis) for axis in axes], headings, block=settings.columns, note=note)


def film(vae: VAE, axis: Axis, starts: Tensor, settings: Traverse) -> Pixels:
    """(frames, starts, height, width, channels): a latent from the middle of its range up, down and back."""
    return moved(vae, axis, starts, swing(settings.frames))


def swing(frames: int) -> NDArray[np.float64]:
    """(frames,): where in its range, 0 to 1, a latent is in each frame; the last leads over to the first."""
    return (1 + np.sin(2 * np.pi * np.arange(frames) / frames)) / 2


def moved(vae: VAE, axis: Axis, starts: Tensor, positions: NDArray[np.float64]) -> Pixels:
    """(positions, starts, height, width, channels): the starts with one latent put at each position of its range."""
    z = starts.repeat(len(positions), 1, 1)  # (positions, starts, latent_dim)
    z[:, :, axis.index] = torch.from_numpy(axis.low + (axis.high - axis.low) * positions).float()[:, None]
    tiles = tiles_of(vae.decode(z.flatten(0, 1)))
    return tiles.reshape(*z.shape[:2], *tiles.shape[1:])


def pages(films: Pixels, axes: list[Axis], settings: Traverse, zoom: int = 1, note: str = "") -> list[Pixels]:
    """The frames of (latents, frames, starts, …) films, one above the other, each with its marker."""
    return [
        table(frame, [label(axis, position) for axis in axes], zoom=zoom, note=note)
        for frame, position in zip(films.swapaxes(0, 1), swing(settings.frames), strict=True)
    ]


def label(axis: Axis, marker: float | None = None) -> Label:
    """A latent's number, what it follows and what it tells."""
    return Label(f"z{axis.index}  {axis.follows}", axis.details, not axis.used, marker)
