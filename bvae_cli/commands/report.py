"""bvae report."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_path, progress_bars
from bvae_cli.commands.options import FILES, Data


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders, or checkpoint files.")],
    data: Data = Path("data"),
    out: Annotated[
        Path | None,
        typer.Option(
            help="Output file. Default: report.html in the run folder; for several runs, in the current folder.",
            rich_help_panel=FILES,
        ),
    ] = None,
) -> None:
    """Write a report of one run, or a comparison of several: one self-contained HTML file.

    Uses the checkpoint, and the training curves and scores in its folder, if they exist.
    """
    from bvae_cli.report.pages import write_report

    with progress_bars() as progress:
        path = write_report(runs, data, out, progress)
    print_path(path)
