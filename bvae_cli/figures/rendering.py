"""Grids of small images with labels, written as PNG and GIF."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bvae_cli.system.files import write_bytes
from bvae_cli.system.text import make_visible

Pixels = NDArray[np.uint8]

BACKGROUND, FOREGROUND, MUTED, TRACK = 24, 245, 150, 84  # grey levels
GAP, BLOCK_GAP, MARGIN = 4, 20, 16  # pixels between tiles, between blocks of columns, around the page
LABEL_WIDTH, LINE_HEIGHT = 128, 17  # pixels
TITLE_FONT, SMALL_FONT = ImageFont.load_default(14), ImageFont.load_default(12)


@dataclass(frozen=True)
class Label:
    """The label to the left of a row."""

    title: str
    details: tuple[str, ...] = ()
    is_muted: bool = False
    marker: float | None = None  # position of a marker on a track, 0 to 1; None for no track


@dataclass(frozen=True)
class GridLayout:
    """Positions of the tiles of a grid, in pixels."""

    tile: tuple[int, int]  # width and height
    columns: int
    block: int  # columns per block
    left: int
    top: int

    def x(self, column: int) -> int:
        """Return the left edge of a column."""
        return self.left + column * (self.tile[0] + GAP) + column // self.block * (BLOCK_GAP - GAP)

    def y(self, row: int) -> int:
        """Return the upper edge of a row."""
        return self.top + row * (self.tile[1] + GAP)

    def size(self, rows: int) -> tuple[int, int]:
        """Return the width and the height of the page."""
        return self.x(self.columns - 1) + self.tile[0] + MARGIN, self.y(rows) - GAP + MARGIN


def to_tiles(images: Tensor) -> Pixels:
    """Return images, (…, channels, height, width) in [0, 1], as (…, height, width, channels) bytes."""
    return (images.clamp(0, 1) * 255).round().byte().cpu().movedim(-3, -1).numpy()


def image_grid(
    tiles: Pixels,
    labels: Sequence[Label] = (),
    headings: Sequence[str] = (),
    block: int = 0,
    zoom: int = 1,
    note: str = "",
) -> Pixels:
    """Return a page of tiles in rows, (height, width) grey or (height, width, 3) RGB.

    Args:
        tiles: (rows, columns, height, width, channels).
        labels: one per row, or none.
        headings: one per column, or none.
        block: columns per block, with a wider gap between blocks; 0 for one block.
        zoom: enlargement of the tiles, an integer factor.
        note: a muted line of text at the bottom.
    """
    rows, columns, height, width, channels = tiles.shape
    left, top = MARGIN + (LABEL_WIDTH if labels else 0), MARGIN + (LINE_HEIGHT if headings else 0)
    layout = GridLayout((width * zoom, height * zoom), columns, block or columns, left, top)
    page_width, page_height = layout.size(rows)
    page_size = (page_width, page_height + LINE_HEIGHT * bool(note))
    page = Image.new("L" if channels == 1 else "RGB", page_size, grey_level(BACKGROUND, channels))
    draw = ImageDraw.Draw(page)
    draw.text((MARGIN, page_height - MARGIN // 2), note, grey_level(MUTED, channels), SMALL_FONT)
    for row, column in np.ndindex(rows, columns):
        tile = Image.fromarray(tiles[row, column].squeeze(-1) if channels == 1 else tiles[row, column])
        page.paste(tile.resize(layout.tile, Image.Resampling.NEAREST), (layout.x(column), layout.y(row)))
    for column, heading in enumerate(headings):
        centre = layout.x(column) + layout.tile[0] // 2, MARGIN + LINE_HEIGHT // 2 - 3
        draw.text(centre, heading, grey_level(MUTED, channels), SMALL_FONT, anchor="mm")
    for row, label in enumerate(labels):
        draw_label(draw, label, layout.y(row), layout.tile[1], channels)
    return np.asarray(page)


def draw_label(draw: ImageDraw.ImageDraw, label: Label, top: int, height: int, channels: int) -> None:
    """Draw a label's lines, and its track if it has a marker, vertically centred on a row."""
    lines = [(label.title, TITLE_FONT), *((detail, SMALL_FONT) for detail in label.details)]
    y = top + (height - LINE_HEIGHT * (len(lines) + (label.marker is not None))) // 2
    for text, font in lines:
        color = MUTED if label.is_muted or font is SMALL_FONT else FOREGROUND
        draw.text((MARGIN, y), make_visible(text), grey_level(color, channels), font)
        y += LINE_HEIGHT
    if label.marker is not None:
        draw_track(draw, label.marker, y + LINE_HEIGHT // 2, MUTED if label.is_muted else FOREGROUND, channels)


def draw_track(draw: ImageDraw.ImageDraw, marker: float, y: int, color: int, channels: int) -> None:
    """Draw a horizontal line with a dot on it."""
    length, radius = LABEL_WIDTH - 2 * MARGIN, 4
    x = MARGIN + radius + marker * (length - 2 * radius)
    draw.line((MARGIN, y, MARGIN + length, y), grey_level(TRACK, channels), 2)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), grey_level(color, channels))


def grey_level(level: int, channels: int) -> int | tuple[int, ...]:
    """Return a grey level in Pillow's format for this number of channels."""
    return level if channels == 1 else (level,) * channels


def write_png(path: Path, page: Pixels) -> Path:
    """Write a page as PNG and return the path; raises BvaeError if it cannot be written."""
    write_bytes(path, iio.imwrite("<bytes>", page, extension=".png"))
    return path


def write_gif(path: Path, pages: Sequence[Pixels], fps: int) -> Path:
    """Write pages as an endlessly looping GIF and return the path; raises BvaeError if it cannot be written."""
    milliseconds = round(100 / fps) * 10  # GIF delays are multiples of 10 ms
    write_bytes(path, iio.imwrite("<bytes>", np.stack(pages), extension=".gif", duration=milliseconds, loop=0))
    return path
