"""bvae evaluate."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bvae_cli.commands.console import notice, reporting, result
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, Out, with_params
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.evaluation.evaluating import Evaluation
    from bvae_cli.evaluation.scoring import Scores
    from bvae_cli.latents import Latent

LOSSES = {
    "elbo": "evidence bound, nats ↑",
    "reconstruction": "of a picture, nats ↓",
    "kl": "told of a picture, nats",
    "udr": "alike in other runs ↑",
}


@with_params("evaluate")
def evaluate(
    params: Params,
    file: Annotated[Path, typer.Argument(metavar="CKPT|NPZ", help="A checkpoint.pt, or an npz with codes.")],
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
    out: Out = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Another checkpoint of the same data, for udr. May be repeated.", rich_help_panel=FILES),
    ] = None,
) -> None:
    """Score a checkpoint on all its images, or codes from anywhere, and tell which latent is which.

    The folder then holds metrics.json, latents.csv, information.csv and information.png.
    """
    from bvae_cli import checkpoint
    from bvae_cli.datasets.images import load
    from bvae_cli.evaluation import codes, evaluating
    from bvae_cli.system import device

    chosen, folder = device.select(gpu, cpu), out or file.parent
    with reporting() as report:
        if file.suffix == ".npz":
            if against:
                raise BvaeError("--against compares checkpoints, not codes", "leave it out, or name a checkpoint.pt.")
            read = codes.read(file, data, params.dataset.name)
            done = evaluating.evaluate_codes(read, params.evaluate, folder, report)
        else:
            model, others = checkpoint.load(file), [checkpoint.load(path) for path in against or []]
            images = load(data, model.spec.name)
            done = evaluating.evaluate(model, images, params.evaluate, chosen, folder, report, others)
    show(done)
    if against:
        result.print(ranking_table([file, *against], done.ranking))
    notice.print(f"{folder / 'metrics.json'} is ready.", soft_wrap=True)


def show(done: "Evaluation") -> None:
    """Print the tables, and what is not in them."""
    if done.latents:
        result.print(latent_table(done.latents))
    result.print(score_table(done.scores))
    for name, reason in done.scores.missing.items():
        result.print(f"{name}: not computed, {reason}", highlight=False, markup=False, soft_wrap=True)
    took = "  ".join(f"{name} {seconds:.1f}" for name, seconds in done.scores.seconds.items())
    notice.print(f"seconds: {took}", highlight=False, soft_wrap=True)


def latent_table(latents: "Sequence[Latent]") -> Table:
    """A row a latent."""
    table = Table(title="Which latent is which (KL and information in nats)")
    for heading in ("latent", "KL", "posterior variance", "follows", "information", "share"):
        table.add_column(heading, justify="left" if heading == "follows" else "right")
    for latent in latents:
        told = (f"{latent.information:.2f}", f"{latent.share:.0%}") if latent.factor else ("", "")
        row = [f"z{latent.index}", f"{latent.kl:.2f}", f"{latent.variance:.3f}", latent.follows, *told]
        table.add_row(*row, style="" if latent.used else "dim")
    return table


def ranking_table(files: Sequence[Path], ranking: Sequence[float]) -> Table:
    """A row a model, from the one most like the others to the one least like them."""
    table = Table(title="How much of each model the others have learnt too")
    table.add_column("checkpoint", overflow="fold")
    table.add_column("udr ↑", justify="right")
    for score, path in sorted(zip(ranking, files, strict=True), reverse=True):
        table.add_row(escape(str(path)), f"{score:.4f}")
    return table


def score_table(scores: "Scores") -> Table:
    """A row a score: its value, what it means, and which way is better."""
    from bvae_cli.encoding import UNUSED
    from bvae_cli.metrics import METRICS

    meanings = (
        LOSSES
        | {"latents_used": f"KL from {UNUSED:g} nats on"}
        | {name: words for metric in METRICS.values() for name, words in metric.meanings.items()}
    )
    table = Table(title="Scores")
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_column("what it means")
    for name, value in scores.values.items():
        spread = f" ± {scores.deviations[name]:.2g}" if name in scores.deviations else ""
        table.add_row(name, f"{value:.4g}{spread}", meanings[name])
    return table
