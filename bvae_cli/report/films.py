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
from bvae_cli.latents import Latent
from bvae_cli.params import Traverse
from bvae_cli.pictures import starts
from bvae_cli.pictures.rendering import Pixels, tiles_of
from bvae_cli.pictures.traversal import Axis, axes_of, farthest, film, moved, note_of, select, sheet, start_codes
from bvae_cli.system.errors import BvaeError

STARTS = 3  # images side by side in a film
SWING = Traverse(span=3.0, frames=30, fps=12)  # the templates say how far
COLUMNS = 9  # places of a latent across a still
FILMED = 24  # latents at most that are drawn, the most telling ones
SHOWN = 12  # images at most beside their reconstructions
GAP, RULE = 2, 128  # pixels between tiles, and their grey, which is seen on a light page and on a dark one


@dataclass(frozen=True)
class Row:
    """A latent as it is shown."""

    index: int
    latent: Latent | None  # None where nothing is known of it
    still: str  # addresses that hold the whole picture
    film: str


@dataclass(frozen=True)
class Rows:
    """The latents of a model, sorted into those that are drawn and those that are but told."""

    drawn: list[Row]
    others: list[Latent]  # used, too, but too many to draw
    unused: list[Latent]
    undrawn: int = 0  # of which nothing is known, and that are too many to draw


@dataclass(frozen=True)
class Farthest:
    """The latent whose mean over the data is farthest from zero."""

    latent: Latent
    still: str  # the address of it from a zero vector, over what the data spans


@torch.inference_mode()
def rows_of(checkpoint: Checkpoint) -> Rows:
    """The latents, from the most telling to the least; the first of those that are used are drawn."""
    known = {latent.index: latent for latent in checkpoint.latents}
    axes = axes_of(checkpoint, SWING)
    used, codes = [axis for axis in axes if axis.used], codes_of(checkpoint)
    drawn = [row_of(checkpoint, axis, codes, known.get(axis.index)) for axis in used[:FILMED]]
    left = [axis.index for axis in axes[len(drawn) :]]
    told = [known[index] for index in left if index in known]
    others, unused = [latent for latent in told if latent.used], [latent for latent in told if not latent.used]
    return Rows(drawn, others, unused, len(left) - len(told))


def row_of(checkpoint: Checkpoint, axis: Axis, codes: Tensor, latent: Latent | None) -> Row:
    """A latent, its film from some codes, and its still from the first of them."""
    across = moved(checkpoint.vae, axis, codes[:1], np.linspace(0, 1, COLUMNS))
    frames = film(checkpoint.vae, axis, codes, SWING)
    return Row(
        axis.index, latent, webp(mosaic(across.swapaxes(0, 1))), webp(*(mosaic(frame[None]) for frame in frames))
    )


def codes_of(checkpoint: Checkpoint) -> Tensor:
    """(starts, latent_dim): those of the first examples, or draws of the prior where a checkpoint carries none."""
    count = min(STARTS, len(checkpoint.examples))
    images = starts.examples(checkpoint, count) if count else None
    return start_codes(checkpoint.vae, images, replace(SWING, start="posterior" if count else "prior"))


@torch.inference_mode()
def farthest_of(checkpoint: Checkpoint) -> Farthest | None:
    """The latent whose mean over the data is farthest from zero; None where that is not known."""
    try:
        latent = checkpoint.latents[farthest(checkpoint)]
    except BvaeError:
        return None
    zero, axis = torch.zeros(1, checkpoint.vae.latent_dim), Axis.of(latent, Traverse(range="data"))
    across = moved(checkpoint.vae, axis, zero, np.linspace(0, 1, COLUMNS))
    return Farthest(latent, webp(mosaic(across.swapaxes(0, 1))))


@torch.inference_mode()
def reconstructions(checkpoint: Checkpoint, most: int = SHOWN) -> str:
    """A picture of the first examples above what their posterior means decode to; none where there are none."""
    if not len(checkpoint.examples):
        return ""
    images = starts.examples(checkpoint, min(most, len(checkpoint.examples)))
    decoded = checkpoint.vae.decode(checkpoint.vae.encode(images)[0])
    return webp(mosaic(np.stack([tiles_of(images), tiles_of(decoded)])))


@torch.inference_mode()
def figure(checkpoint: Checkpoint, chosen: Sequence[int]) -> Image.Image:
    """The table of what latents do, as `bvae traverse` draws it: of those of these numbers, or of all that are used.

    Raises:
        BvaeError: there is no such latent.
    """
    axes = select(axes_of(checkpoint, SWING), chosen)
    shown = axes if chosen else [axis for axis in axes if axis.used] or axes
    note = note_of([axis for axis in axes if axis not in shown])
    return Image.fromarray(sheet(checkpoint.vae, shown, codes_of(checkpoint), SWING, note))


def mosaic(tiles: Pixels) -> Pixels:
    """(rows, columns, height, width, channels) as one picture, with rules between."""
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=RULE)
    rows, columns, height, width, channels = padded.shape
    page = padded.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    return page[:-GAP, :-GAP]


def webp(*frames: Pixels) -> str:
    """The address that holds a whole picture, or an endless film, to the bit."""
    first, *rest = [Image.fromarray(frame.squeeze(-1) if frame.shape[-1] == 1 else frame) for frame in frames]
    content = io.BytesIO()
    pace = {"save_all": True, "append_images": rest, "duration": 1000 // SWING.fps, "loop": 0} if rest else {}
    first.save(content, "WEBP", lossless=True, **pace)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
