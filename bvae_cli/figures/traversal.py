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
from bvae_cli.figures.rendering import Label, Pixels, image_grid, to_tiles, write_gif, write_png
from bvae_cli.latents import Latent, sort_by_kl
from bvae_cli.models.vae import VAE
from bvae_cli.params import TraverseParams
from bvae_cli.system.errors import BvaeError

ZOOM = 3  # of the film of a single latent


@dataclass(frozen=True)
class TraversalAxis:
    """A latent as it is moved, and what is written beside it."""

    index: int
    low: float
    high: float
    label: str = ""
    details: tuple[str, ...] = ()
    is_active: bool = True

    @classmethod
    def from_latent(cls, latent: Latent, settings: TraverseParams) -> "TraversalAxis":
        """A latent of which is known what it tells and how far it goes."""
        low, high = (
            (latent.posterior_mean_min, latent.posterior_mean_max)
            if settings.range == "data"
            else (-settings.max_std, settings.max_std)
        )
        return cls(latent.index, low, high, latent.label, (f"KL {latent.kl:.2f} nats",), latent.is_active)


@torch.inference_mode()
def traverse(
    checkpoint: Checkpoint, images: Tensor | None, settings: TraverseParams, chosen: Sequence[int], out: Path
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
    chosen = [largest_mean_latent(checkpoint)] if settings.largest_mean_latent else chosen
    axes = select_axes(traversal_axes(checkpoint, settings), chosen)
    starts = base_codes(checkpoint.vae, images, settings)
    shown = axes if settings.include_inactive or chosen else [axis for axis in axes if axis.is_active] or axes
    note = inactive_note([axis for axis in axes if axis not in shown])
    yield write_png(out / "traversal.png", traversal_grid(checkpoint.vae, shown, starts, settings, note))
    films = np.stack([animate_latent(checkpoint.vae, axis, starts, settings) for axis in axes])  # the used come first
    yield write_gif(
        out / "traversal.gif", animation_pages(films[: len(shown)], shown, settings, note=note), settings.fps
    )
    for axis, alone in zip(axes, films, strict=True):
        path = out / "latents" / f"z{axis.index}.gif"
        yield write_gif(path, animation_pages(alone[None], [axis], settings, zoom=ZOOM), settings.fps)


def traversal_axes(checkpoint: Checkpoint, settings: TraverseParams) -> list[TraversalAxis]:
    """The latents, the most telling first; in their own order, over the prior's range, where nothing is known of them.

    Raises BvaeError where nothing is known and the range of the data is asked for.
    """
    if checkpoint.latents:
        return [TraversalAxis.from_latent(latent, settings) for latent in sort_by_kl(checkpoint.latents)]
    if settings.range == "data":
        raise BvaeError(
            "the checkpoint does not say what the data spans",
            "take --range prior; or import the model again where its data is.",
        )
    return [TraversalAxis(index, -settings.max_std, settings.max_std) for index in range(checkpoint.vae.latent_dim)]


def largest_mean_latent(checkpoint: Checkpoint) -> int:
    """The latent whose mean over the data is farthest from zero; raises BvaeError where nothing is known of it."""
    centres = [abs(latent.posterior_mean_avg) for latent in checkpoint.latents]
    if not centres or math.isnan(sum(centres)):
        raise BvaeError(
            "the checkpoint does not say where the means of its latents lie",
            "choose one: --latent N; or train it anew.",
        )
    return centres.index(max(centres))


def select_axes(axes: list[TraversalAxis], chosen: Sequence[int]) -> list[TraversalAxis]:
    """Those of these numbers, or all where none is given; raises BvaeError where there is no such number."""
    for index in chosen:
        if not 0 <= index < len(axes):
            raise BvaeError(f"there is no latent {index}", f"this model has latents 0 to {len(axes) - 1}.")
    return [axis for axis in axes if axis.index in chosen or not chosen]


def base_codes(vae: VAE, images: Tensor | None, settings: TraverseParams) -> Tensor:
    """(starts, latent_dim): the codes that are held, means of posteriors or draws of the prior."""
    if images is not None:
        return vae.encode(images)[0]
    if settings.base_code == "zero":
        return torch.zeros(1, vae.latent_dim)
    draws = torch.Generator().manual_seed(settings.seed)
    return torch.randn(settings.images, vae.latent_dim, generator=draws)


def inactive_note(folded: list[TraversalAxis]) -> str:
    """Which latents are not drawn, and why."""
    return ", ".join(f"z{axis.index}" for axis in folded) + ": unused" if folded else ""


def traversal_grid(vae: VAE, axes: list[TraversalAxis], starts: Tensor, settings: TraverseParams, note: str) -> Pixels:
    """A row a latent, a block of columns a start, in each the latent from the low to the high end of its range."""
    positions = np.linspace(0, 1, settings.num_values)
    rows = [decode_traversal(vae, axis, starts, positions).swapaxes(0, 1) for axis in axes]
    tiles = np.stack(rows).reshape(len(rows), -1, *rows[0].shape[2:])  # (latents, starts · columns, …)
    low, high = ("min", "max") if settings.range == "data" else (f"-{settings.max_std:g}", f"+{settings.max_std:g}")
    headings = [low, *[""] * (settings.num_values - 2), high] * len(starts)
    return image_grid(tiles, [axis_label(axis) for axis in axes], headings, block=settings.num_values, note=note)


def animate_latent(vae: VAE, axis: TraversalAxis, starts: Tensor, settings: TraverseParams) -> Pixels:
    """(frames, starts, height, width, channels): a latent from the middle of its range up, down and back."""
    return decode_traversal(vae, axis, starts, oscillation(settings.frames))


def oscillation(frames: int) -> NDArray[np.float64]:
    """(frames,): where in its range, 0 to 1, a latent is in each frame; the last leads over to the first."""
    return (1 + np.sin(2 * np.pi * np.arange(frames) / frames)) / 2


def decode_traversal(vae: VAE, axis: TraversalAxis, starts: Tensor, positions: NDArray[np.float64]) -> Pixels:
    """(positions, starts, height, width, channels): the starts with one latent put at each position of its range."""
    z = starts.repeat(len(positions), 1, 1)  # (positions, starts, latent_dim)
    z[:, :, axis.index] = torch.from_numpy(axis.low + (axis.high - axis.low) * positions).float()[:, None]
    tiles = to_tiles(vae.decode(z.flatten(0, 1)))
    return tiles.reshape(*z.shape[:2], *tiles.shape[1:])


def animation_pages(
    films: Pixels, axes: list[TraversalAxis], settings: TraverseParams, zoom: int = 1, note: str = ""
) -> list[Pixels]:
    """The frames of (latents, frames, starts, …) films, one above the other, each with its marker."""
    return [
        image_grid(frame, [axis_label(axis, position) for axis in axes], zoom=zoom, note=note)
        for frame, position in zip(films.swapaxes(0, 1), oscillation(settings.frames), strict=True)
    ]


def axis_label(axis: TraversalAxis, marker: float | None = None) -> Label:
    """A latent's number, what it follows and what it tells."""
    return Label(f"z{axis.index}  {axis.label}", axis.details, not axis.is_active, marker)
