"""Each score of a study over its settings, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from bvae_cli.evaluation.descriptions import DESCRIPTIONS
from bvae_cli.sweep.results import ScoreSummary
from bvae_cli.system.files import write_bytes

INK = "#3b82c4"


def write_plots(folder: Path, tallies: Sequence[ScoreSummary]) -> None:
    """Draw a picture of each score, a row a setting; raises what `write_bytes` does."""
    for score in dict.fromkeys(tally.score for tally in tallies):
        write_plot(folder / f"{score}.png", [tally for tally in tallies if tally.score == score])


def write_plot(path: Path, tallies: Sequence[ScoreSummary]) -> None:
    """Draw a score: of each setting its models as points, and their mean with the standard deviation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 1.1 + 0.24 * len(tallies)), dpi=120)
    axes = figure.subplots()
    for worker_spec, tally in enumerate(tallies):
        values = list(tally.values.values())
        axes.plot(values, [worker_spec] * len(values), "o", color=INK, markersize=4, alpha=0.7, markeredgewidth=0)
        axes.errorbar(
            tally.mean, worker_spec, xerr=tally.std, fmt="|", color="#555555", markersize=9, elinewidth=0.8, zorder=1
        )
    axes.set_yticks(range(len(tallies)), [tally.setting for tally in tallies], fontsize=8)
    axes.set_ylim(len(tallies) - 0.4, -0.6)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="both", color="#8a929c", alpha=0.25, linewidth=0.6)
    axes.set_xlabel(f"{tallies[0].score}: {DESCRIPTIONS.get(tallies[0].score, '')}".rstrip(": "), fontsize=8)
    buffer = io.BytesIO()
    unversioned = {"Software": ""}  # matplotlib's version would change the bytes
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata=unversioned)
    write_bytes(path, buffer.getvalue())
