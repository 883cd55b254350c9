"""bvae show."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import result
from bvae_cli.commands.tables import show_scores

PICTURES = ("traversal.gif", "traversal.png", "reconstruction.png", "information.png")


def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")] = Path("runs/dsprites"),
) -> None:
    """Print what a run has scored, from its files, and name its pictures."""
    from bvae_cli.evaluation import evaluating

    show_scores(evaluating.read(run))
    for picture in PICTURES:
        if (run / picture).exists():
            result.print(run / picture, soft_wrap=True, highlight=False)
