"""Heat map of a table of numbers."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.system.files import write_bytes


def write_heatmap(
    path: Path, table: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], title: str
) -> None:
    """Write a heat map of a (rows, columns) table as PNG, each cell with its value; raises as `write_bytes`."""
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
    figure.savefig(
        buffer, format="png", metadata={"Software": ""}
    )  # without matplotlib's version, files are bit-identical
    write_bytes(path, buffer.getvalue())
