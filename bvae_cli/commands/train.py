"""bvae train."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import notice, reporting, training_bar
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, with_params
from bvae_cli.params import Params

if TYPE_CHECKING:
    from bvae_cli.training import Progress


@with_params("dataset.name", "model", "objective", "train")
def train(
    params: Params,
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. Default: runs/<data set>.", rich_help_panel=FILES)
    ] = None,
) -> None:
    """Train a model; its folder then holds checkpoint.pt and history.csv.

    A default gives way to the params file, and the params file to an option.
    """
    from bvae_cli import device, training
    from bvae_cli.datasets.images import load

    chosen = device.select(gpu, cpu)
    folder = out or Path("runs") / params.dataset.name
    images = load(data, params.dataset.name)
    with training_bar(params.train.steps, params.train.batch_size) as show, reporting() as report:
        for progress in training.fit(params, images, chosen, folder, report):
            show(progress.step, summary(progress))
    notice.print(f"{folder / 'checkpoint.pt'} is ready.", soft_wrap=True)


def summary(progress: "Progress") -> str:
    """The figures of a line of progress."""
    figures = {"reconstruction": progress.reconstruction, "KL": sum(progress.kl), **progress.scheduled}
    return "  ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
