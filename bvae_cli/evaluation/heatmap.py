"""Heat map of a table of numbers."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvae_cli.system.files import write_bytes
from bvae_cli.system.text import make_visible

MAX_CELLS = 100  # rows or columns; larger figures cannot be drawn


def write_heatmap(
    path: Path, table: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], title: str
) -> None:
    """Write a heat map of a (rows, columns) table as PNG, each cell with its value; raises as `write_bytes`.

    Rows and columns after the first MAX_CELLS are not drawn.
    """
    import matplotlib

    plain_text: Any = {"text.parse_math": False}  # a "$" in a name does not start a formula
    with matplotlib.rc_context(plain_text), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of a script that the font lacks
        rows, columns = ([*map(make_visible, names[:MAX_CELLS])] for names in (rows, columns))
        write_bytes(path, draw_heatmap(table[:MAX_CELLS, :MAX_CELLS], rows, columns, title))


def draw_heatmap(table: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], title: str) -> bytes:
    """Return a heat map as PNG, without the version of matplotlib, so that it is bit-identical."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2 + 0.9 * len(columns), 1.2 + 0.36 * len(rows)), layout="constrained", dpi=120)
    axes = figure.subplots()
    maximum = max(float(table.max()), 1e-9)
    image = axes.imshow(table, cmap="Blues", vmin=0, vmax=maximum, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(table):
        color = "white" if value > 0.6 * maximum else "#444444"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=color, fontsize=8)
    figure.colorbar(image, shrink=0.9).outline.set_visible(False)
    figure.supxlabel(title, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": ""})
    return buffer.getvalue()
