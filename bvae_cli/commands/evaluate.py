"""bvae evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from bvae_cli.commands.console import notice, reporting, result
from bvae_cli.commands.options import CheckpointFile, Cpu, Data, Gpu, Out, with_params
from bvae_cli.params import Params

if TYPE_CHECKING:
    from bvae_cli.latents import Latent


@with_params("evaluate")
def evaluate(
    params: Params,
    ckpt: CheckpointFile,
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
    out: Out = None,
) -> None:
    """Score a checkpoint on all its images, and tell which latent is which.

    The folder then holds metrics.json and latents.csv.
    """
    from bvae_cli import checkpoint, device, evaluation
    from bvae_cli.datasets.images import load

    chosen = device.select(gpu, cpu)
    model, folder = checkpoint.load(ckpt), out or ckpt.parent
    images = load(data, model.spec.name)
    with reporting() as report:
        done = evaluation.evaluate(model, images, params.evaluate, chosen, folder, report)
    result.print(latent_table(done.latents), score_table(done.scores))
    notice.print(f"{folder / 'metrics.json'} and {folder / 'latents.csv'} are ready.", soft_wrap=True)


def latent_table(latents: "list[Latent]") -> Table:
    """A row a latent."""
    table = Table(title="Which latent is which (KL and information in nats)")
    for heading in ("latent", "KL", "posterior variance", "follows", "information", "share"):
        table.add_column(heading, justify="left" if heading == "follows" else "right")
    for latent in latents:
        told = (f"{latent.information:.2f}", f"{latent.share:.0%}") if latent.factor else ("", "")
        style = "" if latent.used else "dim"
        table.add_row(
            f"z{latent.index}", f"{latent.kl:.2f}", f"{latent.variance:.3f}", latent.follows, *told, style=style
        )
    return table


def score_table(scores: dict[str, float]) -> Table:
    """A row a score."""
    table = Table(title="Scores")
    table.add_column("score")
    table.add_column("value", justify="right")
    for name, value in scores.items():
        table.add_row(name, f"{value:.4g}")
    return table
