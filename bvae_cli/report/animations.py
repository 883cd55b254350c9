"""Latents as they move, and images beside their reconstructions, as pictures that lie in the page itself."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.figures import base_images
from bvae_cli.figures.rendering import Pixels, to_tiles
from bvae_cli.figures.traversal import (
    TraversalAxis,
    animate_latent,
    base_codes,
    decode_traversal,
    inactive_note,
    largest_mean_latent,
    select_axes,
    traversal_axes,
    traversal_grid,
)
from bvae_cli.latents import Latent
from bvae_cli.params import TraverseParams
from bvae_cli.system.errors import BvaeError

BASE_CODES = 3  # images side by side in a film
TRAVERSE_PARAMS = TraverseParams(max_std=3.0, frames=30, fps=12)  # the templates say how far
TRAVERSAL_VALUES = 9  # places of a latent across a still
MAX_LATENTS = 24  # latents at most that are drawn, the most telling ones
MAX_EXAMPLES = 12  # images at most beside their reconstructions
GAP, RULE = 2, 128  # pixels between tiles, and their grey, which is seen on a light page and on a dark one


@dataclass(frozen=True)
class LatentRow:
    """A latent as it is shown."""

    index: int
    latent: Latent | None  # None where nothing is known of it
    still: str  # addresses that hold the whole picture
    animation: str


@dataclass(frozen=True)
class LatentRows:
    """The latents of a model, sorted into those that are drawn and those that are but told."""

    drawn: list[LatentRow]
    others: list[Latent]  # used, too, but too many to draw
    inactive: list[Latent]
    num_undrawn: int = 0  # of which nothing is known, and that are too many to draw


@dataclass(frozen=True)
class LargestMean:
    """The latent whose mean over the data is farthest from zero."""

    latent: Latent
    still: str  # the address of it from a zero vector, over what the data spans


@torch.inference_mode()
def latent_rows(checkpoint: Checkpoint) -> LatentRows:
    """The latents, from the most telling to the least; the first of those that are used are drawn."""
    known = {latent.index: latent for latent in checkpoint.latents}
    axes = traversal_axes(checkpoint, TRAVERSE_PARAMS)
    used, codes = [axis for axis in axes if axis.is_active], example_codes(checkpoint)
    drawn = [latent_row(checkpoint, axis, codes, known.get(axis.index)) for axis in used[:MAX_LATENTS]]
    left = [axis.index for axis in axes[len(drawn) :]]
    known_others = [known[index] for index in left if index in known]
    others, unused = (
        [latent for latent in known_others if latent.is_active],
        [latent for latent in known_others if not latent.is_active],
    )
    return LatentRows(drawn, others, unused, len(left) - len(known_others))


def latent_row(checkpoint: Checkpoint, axis: TraversalAxis, codes: Tensor, latent: Latent | None) -> LatentRow:
    """A latent, its film from some codes, and its still from the first of them."""
    across = decode_traversal(checkpoint.vae, axis, codes[:1], np.linspace(0, 1, TRAVERSAL_VALUES))
    frames = animate_latent(checkpoint.vae, axis, codes, TRAVERSE_PARAMS)
    return LatentRow(
        axis.index,
        latent,
        webp_url(mosaic(across.swapaxes(0, 1))),
        webp_url(*(mosaic(frame[None]) for frame in frames)),
    )


def example_codes(checkpoint: Checkpoint) -> Tensor:
    """(starts, latent_dim): those of the first examples, or draws of the prior where a checkpoint carries none."""
    count = min(BASE_CODES, len(checkpoint.examples))
    images = base_images.load_examples(checkpoint, count) if count else None
    return base_codes(checkpoint.vae, images, replace(TRAVERSE_PARAMS, base_code="posterior" if count else "prior"))


@torch.inference_mode()
def find_largest_mean(checkpoint: Checkpoint) -> LargestMean | None:
    """The latent whose mean over the data is farthest from zero; None where that is not known."""
    try:
        latent = checkpoint.latents[largest_mean_latent(checkpoint)]
    except BvaeError:
        return None
    zero, axis = (
        torch.zeros(1, checkpoint.vae.latent_dim),
        TraversalAxis.from_latent(latent, TraverseParams(range="data")),
    )
    across = decode_traversal(checkpoint.vae, axis, zero, np.linspace(0, 1, TRAVERSAL_VALUES))
    return LargestMean(latent, webp_url(mosaic(across.swapaxes(0, 1))))


@torch.inference_mode()
def reconstruction_url(checkpoint: Checkpoint, most: int = MAX_EXAMPLES) -> str:
    """A picture of the first examples above what their posterior means decode to; none where there are none."""
    if not len(checkpoint.examples):
        return ""
    images = base_images.load_examples(checkpoint, min(most, len(checkpoint.examples)))
    decoded = checkpoint.vae.decode(checkpoint.vae.encode(images)[0])
    return webp_url(mosaic(np.stack([to_tiles(images), to_tiles(decoded)])))


@torch.inference_mode()
def traversal_figure(checkpoint: Checkpoint, chosen: Sequence[int]) -> Image.Image:
    """The table of what latents do, as `bvae traverse` draws it: of those of these numbers, or of all that are used.

    Raises:
        BvaeError: there is no such latent.
    """
    axes = select_axes(traversal_axes(checkpoint, TRAVERSE_PARAMS), chosen)
    shown = axes if chosen else [axis for axis in axes if axis.is_active] or axes
    note = inactive_note([axis for axis in axes if axis not in shown])
    return Image.fromarray(traversal_grid(checkpoint.vae, shown, example_codes(checkpoint), TRAVERSE_PARAMS, note))


def mosaic(tiles: Pixels) -> Pixels:
    """(rows, columns, height, width, channels) as one picture, with rules between."""
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=RULE)
    rows, columns, height, width, channels = padded.shape
    page = padded.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    return page[:-GAP, :-GAP]


def webp_url(*frames: Pixels) -> str:
    """The address that holds a whole picture, or an endless film, to the bit."""
    first, *rest = [Image.fromarray(frame.squeeze(-1) if frame.shape[-1] == 1 else frame) for frame in frames]
    content = io.BytesIO()
    pace = {"save_all": True, "append_images": rest, "duration": 1000 // TRAVERSE_PARAMS.fps, "loop": 0} if rest else {}
    first.save(content, "WEBP", lossless=True, **pace)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
