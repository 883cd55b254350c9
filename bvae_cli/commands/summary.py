"""bvae summary."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_notice, print_path
from bvae_cli.commands.tables import show_scores

FILES = ("report.html", "traversal.gif", "traversal.png", "reconstruction.png", "mutual_information.png")


def summary(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")] = Path("runs/dsprites"),
) -> None:
    """Print the scores and latent statistics of a run, and list its report and figures."""
    from bvae_cli.evaluation import evaluator
    from bvae_cli.evaluation.record import belongs_to

    show_scores(evaluator.read_results(run))
    checkpoint = run / "checkpoint.pt"
    if checkpoint.is_file() and not belongs_to(run, checkpoint):
        print_notice(f"These scores are not those of {checkpoint}. Compute them: bvae evaluate {checkpoint}")
    for name in FILES:
        if (run / name).exists():
            print_path(run / name)
