"""bvae show."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import result
from bvae_cli.commands.tables import show_scores

SEEN = ("report.html", "traversal.gif", "traversal.png", "reconstruction.png", "information.png")


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")] = Path("runs/dsprites"),
) -> None:
    """Print what a run has scored, from its files, and name its page and its pictures."""
    from bvae_cli.evaluation import evaluating

    show_scores(evaluating.read(run))
    for name in SEEN:
        if (run / name).exists():
            result.print(run / name, soft_wrap=True, highlight=False)
