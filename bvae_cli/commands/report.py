"""bvae report."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import progress_bars, result
from bvae_cli.commands.options import FILES, Data


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs, or checkpoints.")],
    data: Data = Path("data"),
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write. Default: report.html, in the run's folder; of several, here.", rich_help_panel=FILES
        ),
    ] = None,
) -> None:
    """Write a page of a run, or of several side by side: one HTML file, to be looked at anywhere.

    It is made of the checkpoint, and of the curves and scores that lie beside it.
    """
    from bvae_cli.report.pages import write_report

    with progress_bars() as progress:
        path = write_report(runs, data, out, progress)
    result.print(path, soft_wrap=True, highlight=False)
