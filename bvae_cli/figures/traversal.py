"""Latent traversals: figures and animations in which one latent varies while the others are fixed."""

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

ZOOM = 3  # enlargement of the animation of a single latent
MAX_DECODED = 100_000  # images decoded for the figures of one call; they are all in memory


@dataclass(frozen=True)
class TraversalAxis:
    """A latent, the range over which it is traversed, and its label."""

    index: int
    low: float
    high: float
    label: str = ""
    details: tuple[str, ...] = ()
    is_active: bool = True

    @classmethod
    def from_latent(cls, latent: Latent, settings: TraverseParams) -> "TraversalAxis":
        """Return the axis of a latent with known statistics."""
        low, high = (
            (latent.posterior_mean_min, latent.posterior_mean_max)
            if settings.range == "data"
            else (-settings.max_std, settings.max_std)
        )
        return cls(latent.index, low, high, latent.label, (f"KL {latent.kl:.2f} nats",), latent.is_active)


@torch.inference_mode()
def traverse(
    checkpoint: Checkpoint, images: Tensor | None, settings: TraverseParams, selected: Sequence[int], out: Path
) -> Iterator[Path]:
    """Draw a grid and an animation of all latents, and an animation of each; yield each path once it is written.

    Args:
        checkpoint: the model.
        images: (images, channels, 64, 64) in [0, 1], whose posterior means are the base codes; None for the base codes
            in the settings.
        settings: ranges, numbers and speed.
        selected: indices of the latents to traverse; empty for all. Inactive latents are then only listed below the
            grid and the common animation, unless the settings include them.
        out: the output folder.

    Raises:
        BvaeError: a latent is not found, the checkpoint contains no data range, or `out` cannot be written.
    """
    selected = [largest_mean_latent(checkpoint)] if settings.largest_mean_latent else selected
    axes = select_axes(traversal_axes(checkpoint, settings), selected)
    codes = base_codes(checkpoint.vae, images, settings)
    require_feasible(len(axes) * len(codes) * max(settings.frames, settings.num_values))
    drawn_axes = axes if settings.include_inactive or selected else [axis for axis in axes if axis.is_active] or axes
    note = inactive_note([axis for axis in axes if axis not in drawn_axes])
    yield write_png(out / "traversal.png", traversal_grid(checkpoint.vae, drawn_axes, codes, settings, note))
    animations = np.stack([animate_latent(checkpoint.vae, axis, codes, settings) for axis in axes])
    pages = animation_pages(animations[: len(drawn_axes)], drawn_axes, settings, note=note)  # active latents come first
    yield write_gif(out / "traversal.gif", pages, settings.fps)
    for axis, animation in zip(axes, animations, strict=True):
        path = out / "latents" / f"z{axis.index}.gif"
        yield write_gif(path, animation_pages(animation[None], [axis], settings, zoom=ZOOM), settings.fps)


def require_feasible(count: int) -> None:
    """Raise BvaeError if the figures would consist of too many images."""
    if count > MAX_DECODED:
        raise BvaeError(
            f"the traversals consist of {count:,} images; the maximum is {MAX_DECODED:,}",
            "lower --images, --frames or --num-values, or select latents with --latent.",
        )


def traversal_axes(checkpoint: Checkpoint, settings: TraverseParams) -> list[TraversalAxis]:
    """Return the axes of all latents, sorted by decreasing KL if their statistics are known, else by index.

    Raises:
        BvaeError: the range of the data is requested, but the statistics are unknown.
    """
    if checkpoint.latents:
        return [TraversalAxis.from_latent(latent, settings) for latent in sort_by_kl(checkpoint.latents)]
    if settings.range == "data":
        raise BvaeError(
            "the checkpoint contains no data range of its latents",
            "use --range prior, or import the model again with its data set available.",
        )
    return [TraversalAxis(index, -settings.max_std, settings.max_std) for index in range(checkpoint.vae.latent_dim)]


def largest_mean_latent(checkpoint: Checkpoint) -> int:
    """Return the latent with the largest absolute mean over the data; raises BvaeError if the means are unknown."""
    means = [abs(latent.posterior_mean_avg) for latent in checkpoint.latents]
    if not means or math.isnan(sum(means)):
        raise BvaeError(
            "the checkpoint contains no means of its latents",
            "select a latent: --latent N; or train the model again.",
        )
    return means.index(max(means))


def select_axes(axes: list[TraversalAxis], selected: Sequence[int]) -> list[TraversalAxis]:
    """Return the axes with these indices, or all if none is given; raises BvaeError if an index is not found."""
    for index in selected:
        if not 0 <= index < len(axes):
            raise BvaeError(f"latent {index} not found", f"choose from the latents 0 to {len(axes) - 1} of this model.")
    return [axis for axis in axes if axis.index in selected or not selected]


def base_codes(vae: VAE, images: Tensor | None, settings: TraverseParams) -> Tensor:
    """Return the base codes, (codes, latent_dim): posterior means of images, zeros, or samples of the prior."""
    if images is not None:
        return vae.encode(images)[0]
    if settings.base_code == "zero":
        return torch.zeros(1, vae.latent_dim)
    rng = torch.Generator().manual_seed(settings.seed)
    return torch.randn(settings.images, vae.latent_dim, generator=rng)


def inactive_note(axes: list[TraversalAxis]) -> str:
    """Return a note that lists the latents that are not drawn because they are inactive."""
    return ", ".join(f"z{axis.index}" for axis in axes) + ": inactive" if axes else ""


def traversal_grid(vae: VAE, axes: list[TraversalAxis], codes: Tensor, settings: TraverseParams, note: str) -> Pixels:
    """Return a page with one row per latent and one block of columns per base code, from the low to the high end."""
    positions = np.linspace(0, 1, settings.num_values)
    rows = [decode_traversal(vae, axis, codes, positions).swapaxes(0, 1) for axis in axes]
    tiles = np.stack(rows).reshape(len(rows), -1, *rows[0].shape[2:])  # (latents, codes · columns, …)
    low, high = ("min", "max") if settings.range == "data" else (f"-{settings.max_std:g}", f"+{settings.max_std:g}")
    headings = [low, *[""] * (settings.num_values - 2), high] * len(codes)
    return image_grid(tiles, [axis_label(axis) for axis in axes], headings, block=settings.num_values, note=note)


def animate_latent(vae: VAE, axis: TraversalAxis, codes: Tensor, settings: TraverseParams) -> Pixels:
    """Return the frames, (frames, codes, height, width, channels), of a latent that oscillates over its range."""
    return decode_traversal(vae, axis, codes, oscillation(settings.frames))


def oscillation(frames: int) -> NDArray[np.float64]:
    """Return the position of the latent in its range, 0 to 1, per frame, (frames,); the sequence loops smoothly."""
    return (1 + np.sin(2 * np.pi * np.arange(frames) / frames)) / 2


def decode_traversal(vae: VAE, axis: TraversalAxis, codes: Tensor, positions: NDArray[np.float64]) -> Pixels:
    """Return images, (positions, codes, height, width, channels), decoded from base codes with one latent replaced."""
    z = codes.repeat(len(positions), 1, 1)  # (positions, codes, latent_dim)
    z[:, :, axis.index] = torch.from_numpy(axis.low + (axis.high - axis.low) * positions).float()[:, None]
    tiles = to_tiles(vae.decode(z.flatten(0, 1)))
    return tiles.reshape(*z.shape[:2], *tiles.shape[1:])


def animation_pages(
    animations: Pixels, axes: list[TraversalAxis], settings: TraverseParams, zoom: int = 1, note: str = ""
) -> list[Pixels]:
    """Return the pages of animations, (latents, frames, codes, …), stacked vertically, each row with its marker."""
    return [
        image_grid(frame, [axis_label(axis, position) for axis in axes], zoom=zoom, note=note)
        for frame, position in zip(animations.swapaxes(0, 1), oscillation(settings.frames), strict=True)
    ]


def axis_label(axis: TraversalAxis, marker: float | None = None) -> Label:
    """Return the label of a latent: its index, its label and its KL."""
    return Label(f"z{axis.index}  {axis.label}", axis.details, not axis.is_active, marker)
