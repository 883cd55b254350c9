"""Latent traversals and reconstructions as images that are embedded in the page (data URLs)."""

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

BASE_CODES = 3  # base codes side by side in an animation
TRAVERSE_PARAMS = TraverseParams(max_std=3.0, frames=30, fps=12)  # the templates state this range
TRAVERSAL_VALUES = 9  # values of a latent in a traversal, one image per value
MAX_LATENTS = 24  # at most so many latents are traversed: those of the largest KL
MAX_EXAMPLES = 12  # images shown with their reconstructions, at most
GAP, GAP_GREY = 2, 128  # width of the gap between tiles in pixels, and its grey level, visible on light and dark pages


@dataclass(frozen=True)
class LatentRow:
    """A latent with its traversal."""

    index: int
    latent: Latent | None  # None if the checkpoint has no latent statistics
    traversal: str  # data URL: one image per value of the latent
    animation: str  # data URL: the same traversal, animated


@dataclass(frozen=True)
class LatentRows:
    """The latents of a model: those with a traversal, and those that are only listed."""

    traversed: list[LatentRow]
    other_active: list[Latent]  # active latents beyond MAX_LATENTS
    inactive: list[Latent]
    num_unlisted: int = 0  # latents beyond MAX_LATENTS that have no statistics


@dataclass(frozen=True)
class LargestMean:
    """The latent with the largest absolute mean over the data."""

    latent: Latent
    traversal: str  # data URL: the latent traversed from the zero code over its range in the data


@torch.inference_mode()
def latent_rows(checkpoint: Checkpoint) -> LatentRows:
    """Return the latents sorted by KL, largest first; the first MAX_LATENTS active ones with their traversals."""
    known = {latent.index: latent for latent in checkpoint.latents}
    axes = traversal_axes(checkpoint, TRAVERSE_PARAMS)
    active, codes = [axis for axis in axes if axis.is_active], example_codes(checkpoint)
    traversed = [latent_row(checkpoint, axis, codes, known.get(axis.index)) for axis in active[:MAX_LATENTS]]
    remaining = [axis.index for axis in axes[len(traversed) :]]
    known_remaining = [known[index] for index in remaining if index in known]
    other_active, inactive = (
        [latent for latent in known_remaining if latent.is_active],
        [latent for latent in known_remaining if not latent.is_active],
    )
    return LatentRows(traversed, other_active, inactive, len(remaining) - len(known_remaining))


def latent_row(checkpoint: Checkpoint, axis: TraversalAxis, codes: Tensor, latent: Latent | None) -> LatentRow:
    """Return a latent with its animation from all base codes and its traversal from the first one."""
    images = decode_traversal(checkpoint.vae, axis, codes[:1], np.linspace(0, 1, TRAVERSAL_VALUES))
    frames = animate_latent(checkpoint.vae, axis, codes, TRAVERSE_PARAMS)
    return LatentRow(
        axis.index,
        latent,
        webp_url(mosaic(images.swapaxes(0, 1))),
        webp_url(*(mosaic(frame[None]) for frame in frames)),
    )


def example_codes(checkpoint: Checkpoint) -> Tensor:
    """Return base codes, (base codes, latent_dim): of the first examples, or prior samples if there are no examples."""
    count = min(BASE_CODES, len(checkpoint.examples))
    images = base_images.load_examples(checkpoint, count) if count else None
    return base_codes(checkpoint.vae, images, replace(TRAVERSE_PARAMS, base_code="posterior" if count else "prior"))


@torch.inference_mode()
def find_largest_mean(checkpoint: Checkpoint) -> LargestMean | None:
    """Return the latent with the largest absolute mean over the data; None if the means are unknown."""
    try:
        latent = checkpoint.latents[largest_mean_latent(checkpoint)]
    except BvaeError:
        return None
    zero, axis = (
        torch.zeros(1, checkpoint.vae.latent_dim),
        TraversalAxis.from_latent(latent, TraverseParams(range="data")),
    )
    images = decode_traversal(checkpoint.vae, axis, zero, np.linspace(0, 1, TRAVERSAL_VALUES))
    return LargestMean(latent, webp_url(mosaic(images.swapaxes(0, 1))))


@torch.inference_mode()
def reconstruction_url(checkpoint: Checkpoint, max_examples: int = MAX_EXAMPLES) -> str:
    """Return the first examples above their reconstructions as a data URL; empty if there are no examples."""
    if not len(checkpoint.examples):
        return ""
    images = base_images.load_examples(checkpoint, min(max_examples, len(checkpoint.examples)))
    decoded = checkpoint.vae.decode(checkpoint.vae.encode(images)[0])
    return webp_url(mosaic(np.stack([to_tiles(images), to_tiles(decoded)])))


@torch.inference_mode()
def traversal_figure(checkpoint: Checkpoint, indices: Sequence[int]) -> Image.Image:
    """Return the latent traversal figure of `bvae traverse` for the given latents, or for all active ones.

    Raises:
        BvaeError: a latent does not exist.
    """
    axes = select_axes(traversal_axes(checkpoint, TRAVERSE_PARAMS), indices)
    selected = axes if indices else [axis for axis in axes if axis.is_active] or axes
    note = inactive_note([axis for axis in axes if axis not in selected])
    return Image.fromarray(traversal_grid(checkpoint.vae, selected, example_codes(checkpoint), TRAVERSE_PARAMS, note))


def mosaic(tiles: Pixels) -> Pixels:
    """Return tiles, (rows, columns, height, width, channels), as one image with gaps between the tiles."""
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=GAP_GREY)
    rows, columns, height, width, channels = padded.shape
    image = padded.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    return image[:-GAP, :-GAP]


def webp_url(*frames: Pixels) -> str:
    """Return a data URL with a lossless image, or a looping animation if there are several frames."""
    first, *rest = [Image.fromarray(frame.squeeze(-1) if frame.shape[-1] == 1 else frame) for frame in frames]
    content = io.BytesIO()
    duration = 1000 // TRAVERSE_PARAMS.fps  # milliseconds per frame
    animation = {"save_all": True, "append_images": rest, "duration": duration, "loop": 0} if rest else {}
    first.save(content, "WEBP", lossless=True, **animation)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
