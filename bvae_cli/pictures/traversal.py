"""Pictures of what each latent does while the others are held."""

from collections.abc import Iterator, Sequence
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


@torch.inference_mode()
def traverse(
    checkpoint: Checkpoint, images: Tensor | None, settings: Traverse, chosen: Sequence[int], out: Path
) -> Iterator[Path]:
    """Draw a table and a film of all latents, and a film of each; yields each file when it is written.

    Args:
        checkpoint: the model.
        images: (images, channels, 64, 64) in [0, 1], whose codes are held; None to hold draws of the prior.
        settings: how far, how fast, how many.
        chosen: numbers of the latents to move; none for all. Those that are unused are then but named in table and
            film, unless the settings say otherwise.
        out: the folder to write to.

    Raises:
        BvaeError: there is no such latent, or `out` cannot be written.
    """
    latents = by_kl(select(checkpoint.latents, chosen))
    starts = start_codes(checkpoint.vae, images, settings)
    shown = latents if settings.all or chosen else [latent for latent in latents if latent.used] or latents
    note = note_of([latent for latent in latents if latent not in shown])
    yield write_png(out / "traversal.png", sheet(checkpoint.vae, shown, starts, settings, note))
    films = np.stack([film(checkpoint.vae, latent, starts, settings) for latent in latents])  # the used come first
    yield write_gif(out / "traversal.gif", pages(films[: len(shown)], shown, settings, note=note), settings.fps)
    for latent, alone in zip(latents, films, strict=True):
        path = out / "latents" / f"z{latent.index}.gif"
        yield write_gif(path, pages(alone[None], [latent], settings, zoom=ZOOM), settings.fps)


def select(latents: list[Latent], chosen: Sequence[int]) -> list[Latent]:
    """The latents of these numbers, or all where none is given; raises BvaeError where there is no such number."""
    for index in chosen:
        if not 0 <= index < len(latents):
            raise BvaeError(f"there is no latent {index}", f"this model has latents 0 to {len(latents) - 1}.")
    return [latents[index] for index in chosen] or latents


def start_codes(vae: VAE, images: Tensor | None, settings: Traverse) -> Tensor:
    """(starts, latent_dim): the codes that are held, means of posteriors or draws of the prior."""
    if images is not None:
        return vae.encode(images)[0]
    draws = torch.Generator().manual_seed(settings.seed)
    return torch.randn(settings.images, vae.latent_dim, generator=draws)


def note_of(folded: list[Latent]) -> str:
    """Which latents are not drawn, and why."""
    return ", ".join(f"z{latent.index}" for latent in folded) + ": unused" if folded else ""


def sheet(vae: VAE, latents: list[Latent], starts: Tensor, settings: Traverse, note: str) -> Pixels:
    """A row a latent, a block of columns a start, in each the latent from the low to the high end of its range."""
    positions = np.linspace(0, 1, settings.columns)
    rows = [moved(vae, latent, starts, positions, settings).swapaxes(0, 1) for latent in latents]
    tiles = np.stack(rows).reshape(len(rows), -1, *rows[0].shape[2:])  # (latents, starts · columns, …)
    low, high = ("min", "max") if settings.range == "data" else (f"-{settings.span:g}", f"+{settings.span:g}")
    headings = [low, *[""] * (settings.columns - 2), high] * len(starts)
    return table(tiles, [label(latent) for latent in latents], headings, block=settings.columns, note=note)


def film(vae: VAE, latent: Latent, starts: Tensor, settings: Traverse) -> Pixels:
    """(frames, starts, height, width, channels): a latent from the middle of its range up, down and back."""
    return moved(vae, latent, starts, swing(settings.frames), settings)


def swing(frames: int) -> NDArray[np.float64]:
    """(frames,): where in its range, 0 to 1, a latent is in each frame; the last leads over to the first."""
    return (1 + np.sin(2 * np.pi * np.arange(frames) / frames)) / 2


def moved(vae: VAE, latent: Latent, starts: Tensor, positions: NDArray[np.float64], settings: Traverse) -> Pixels:
    """(positions, starts, height, width, channels): the starts with one latent put at each position of its range."""
    low, high = (latent.low, latent.high) if settings.range == "data" else (-settings.span, settings.span)
    z = starts.repeat(len(positions), 1, 1)  # (positions, starts, latent_dim)
    z[:, :, latent.index] = torch.from_numpy(low + (high - low) * positions).float()[:, None]
    tiles = tiles_of(vae.decode(z.flatten(0, 1)))
    return tiles.reshape(*z.shape[:2], *tiles.shape[1:])


def pages(films: Pixels, latents: list[Latent], settings: Traverse, zoom: int = 1, note: str = "") -> list[Pixels]:
    """The frames of (latents, frames, starts, …) films, one above the other, each with its marker."""
    return [
        table(frame, [label(latent, position) for latent in latents], zoom=zoom, note=note)
        for frame, position in zip(films.swapaxes(0, 1), swing(settings.frames), strict=True)
    ]


def label(latent: Latent, marker: float | None = None) -> Label:
    """A latent's number, what it follows and what it tells."""
    return Label(f"z{latent.index}  {latent.follows}", (f"KL {latent.kl:.2f} nats",), not latent.used, marker)
