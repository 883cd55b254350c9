"""Tables of small pictures with labels, as PNG and GIF."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bvae_cli.system.files import write_bytes

Pixels = NDArray[np.uint8]

PAGE, INK, FAINT, RULE = 24, 245, 150, 84  # greys
GAP, BAND, MARGIN = 4, 20, 16  # pixels between tiles, between blocks of columns, around all
LABEL, LINE = 128, 17  # pixels: width of a row's label, height of a line of text
TITLE, SMALL = ImageFont.load_default(14), ImageFont.load_default(12)


@dataclass(frozen=True)
class Label:
    """What stands at the left of a row."""

    title: str
    details: tuple[str, ...] = ()
    faint: bool = False
    marker: float | None = None  # where a marker stands on a track, 0 to 1


@dataclass(frozen=True)
class GridLayout:
    """Where the tiles of a table lie, in pixels."""

    tile: tuple[int, int]  # width and height
    columns: int
    block: int  # columns that belong together
    left: int
    top: int

    def x(self, column: int) -> int:
        """Left edge of a column."""
        return self.left + column * (self.tile[0] + GAP) + column // self.block * (BAND - GAP)

    def y(self, row: int) -> int:
        """Upper edge of a row."""
        return self.top + row * (self.tile[1] + GAP)

    def size(self, rows: int) -> tuple[int, int]:
        """Width and height of the page."""
        return self.x(self.columns - 1) + self.tile[0] + MARGIN, self.y(rows) - GAP + MARGIN


def to_tiles(images: Tensor) -> Pixels:
    """(…, channels, height, width) in [0, 1] as (…, height, width, channels) bytes."""
    return (images.clamp(0, 1) * 255).round().byte().cpu().movedim(-3, -1).numpy()


def image_grid(
    tiles: Pixels,
    labels: Sequence[Label] = (),
    headings: Sequence[str] = (),
    block: int = 0,
    zoom: int = 1,
    note: str = "",
) -> Pixels:
    """A page with tiles in rows, as (height, width) greys or (height, width, 3) colours.

    Args:
        tiles: (rows, columns, height, width, channels).
        labels: one a row, or none.
        headings: one a column, or none.
        block: columns that belong together; 0 for all.
        zoom: pixels of the page for one of a tile.
        note: a faint line beneath.
    """
    rows, columns, height, width, channels = tiles.shape
    left, top = MARGIN + (LABEL if labels else 0), MARGIN + (LINE if headings else 0)
    layout = GridLayout((width * zoom, height * zoom), columns, block or columns, left, top)
    across, down = layout.size(rows)
    page = Image.new("L" if channels == 1 else "RGB", (across, down + LINE * bool(note)), grey_level(PAGE, channels))
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, down - MARGIN // 2), note, grey_level(FAINT, channels), SMALL)
    for row, column in np.ndindex(rows, columns):
        tile = Image.fromarray(tiles[row, column].squeeze(-1) if channels == 1 else tiles[row, column])
        page.paste(tile.resize(layout.tile, Image.Resampling.NEAREST), (layout.x(column), layout.y(row)))
    for column, heading in enumerate(headings):
        centre = layout.x(column) + layout.tile[0] // 2
        pen.text((centre, MARGIN + LINE // 2 - 3), heading, grey_level(FAINT, channels), SMALL, anchor="mm")
    for row, label in enumerate(labels):
        draw_label(pen, label, layout.y(row), layout.tile[1], channels)
    return np.asarray(page)


def draw_label(pen: ImageDraw.ImageDraw, label: Label, top: int, height: int, channels: int) -> None:
    """A label's lines, and its track where it has a marker, centred on a row."""
    lines = [(label.title, TITLE), *((detail, SMALL) for detail in label.details)]
    y = top + (height - LINE * (len(lines) + (label.marker is not None))) // 2
    for text, font in lines:
        ink = FAINT if label.faint or font is SMALL else INK
        pen.text((MARGIN, y), text, grey_level(ink, channels), font)
        y += LINE
    if label.marker is not None:
        draw_track(pen, label.marker, y + LINE // 2, FAINT if label.faint else INK, channels)


def draw_track(pen: ImageDraw.ImageDraw, marker: float, y: int, ink: int, channels: int) -> None:
    """A line, and a dot on it."""
    length, radius = LABEL - 2 * MARGIN, 4
    x = MARGIN + radius + marker * (length - 2 * radius)
    pen.line((MARGIN, y, MARGIN + length, y), grey_level(RULE, channels), 2)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), grey_level(ink, channels))


def grey_level(level: int, channels: int) -> int | tuple[int, ...]:
    """A grey as Pillow wants it for pages of so many channels."""
    return level if channels == 1 else (level,) * channels


def write_png(path: Path, page: Pixels) -> Path:
    """Write a page; raises BvaeError where it cannot be."""
    write_bytes(path, iio.imwrite("<bytes>", page, extension=".png"))
    return path


def write_gif(path: Path, pages: Sequence[Pixels], fps: int) -> Path:
    """Write pages as an endless film; raises BvaeError where it cannot be."""
    milliseconds = round(100 / fps) * 10  # a GIF counts in hundredths of a second
    write_bytes(path, iio.imwrite("<bytes>", np.stack(pages), extension=".gif", duration=milliseconds, loop=0))
    return path
