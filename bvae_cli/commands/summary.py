"""bvae summary."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import result
from bvae_cli.commands.tables import show_scores

FILES = ("report.html", "traversal.gif", "traversal.png", "reconstruction.png", "mutual_information.png")


def summary(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")] = Path("runs/dsprites"),
) -> None:
    """Print the scores and latent statistics of a run, and list its report and figures."""
    from bvae_cli.evaluation import evaluator

    show_scores(evaluator.read_results(run))
    for name in FILES:
        if (run / name).exists():
            result.print(run / name, soft_wrap=True, highlight=False)
