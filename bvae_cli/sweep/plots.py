"""Figures of each score of a study over its settings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from bvae_cli.evaluation.descriptions import DESCRIPTIONS
from bvae_cli.sweep.results import ScoreSummary
from bvae_cli.system.files import write_bytes

MAX_ROWS = 400  # settings; larger figures cannot be drawn
COLOUR = "#3b82c4"


def write_plots(folder: Path, summaries: Sequence[ScoreSummary]) -> None:
    """Write one figure per score with one row per setting; raises the exceptions of `write_bytes`."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}):  # a "$" in a name is not the start of a formula
        for score in dict.fromkeys(summary.score for summary in summaries):
            write_plot(folder / f"{score}.png", [summary for summary in summaries if summary.score == score][:MAX_ROWS])


def write_plot(path: Path, summaries: Sequence[ScoreSummary]) -> None:
    """Write the figure of a score: models as points, with mean and standard deviation per setting."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 1.1 + 0.24 * len(summaries)), dpi=120)
    axes = figure.subplots()
    for y, summary in enumerate(summaries):
        values = list(summary.values.values())
        axes.plot(values, [y] * len(values), "o", color=COLOUR, markersize=4, alpha=0.7, markeredgewidth=0)
        axes.errorbar(
            summary.mean, y, xerr=summary.std, fmt="|", color="#555555", markersize=9, elinewidth=0.8, zorder=1
        )
    axes.set_yticks(range(len(summaries)), [summary.setting for summary in summaries], fontsize=8)
    axes.set_ylim(len(summaries) - 0.4, -0.6)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="both", color="#8a929c", alpha=0.25, linewidth=0.6)
    axes.set_xlabel(f"{summaries[0].score}: {DESCRIPTIONS.get(summaries[0].score, '')}".rstrip(": "), fontsize=8)
    buffer = io.BytesIO()
    unversioned = {"Software": ""}  # without matplotlib's version, so that the file is reproducible
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata=unversioned)
    write_bytes(path, buffer.getvalue())
