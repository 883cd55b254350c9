"""bvae summary."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import result
from bvae_cli.commands.tables import show_scores

FILES = ("report.html", "traversal.gif", "traversal.png", "reconstruction.png", "mutual_information.png")


def summary(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")] = Path("runs/dsprites"),
) -> None:
    """Print what a run has scored, from its files, and name its page and its pictures."""
    from bvae_cli.evaluation import evaluator

    show_scores(evaluator.read_results(run))
    for name in FILES:
        if (run / name).exists():
            result.print(run / name, soft_wrap=True, highlight=False)
