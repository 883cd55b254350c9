"""bvae train."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import notice, reporting, training_bar
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, with_params
from bvae_cli.params import Params
from bvae_cli.system.errors import InterruptionError

if TYPE_CHECKING:
    from bvae_cli.datasets.images import Source
    from bvae_cli.training.history import Progress


@with_params("dataset.name", "model", "objective", "train", "keep")
def train(
    params: Params,
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. Default: runs/<data set>.", rich_help_panel=FILES)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, if any.", rich_help_panel=FILES)
    ] = False,
) -> None:
    """Train a model; its folder then holds checkpoint.pt and history.csv.

    A default gives way to the params file, and the params file to an option. Ctrl-C saves; --resume goes on.
    """
    from bvae_cli.datasets.images import load
    from bvae_cli.datasets.stream import stream
    from bvae_cli.system import device, ranks
    from bvae_cli.training.fitting import fit

    chosen = device.select(gpu, cpu, ranks.local())
    notice.quiet = ranks.follows()  # what all of them would say, one does
    folder = out or Path("runs") / params.dataset.name
    if (folder / "last.pt").exists() and not resume:
        notice.print(f"The unfinished run in {folder} is kept as {folder / 'previous.pt'}.", soft_wrap=True)
    images: Source = (stream if params.train.stream else load)(data, params.dataset.name)
    with (
        ranks.joined(chosen) as joint,
        training_bar(params.train.taken) as show,
        reporting() as report,
        telling_how_to_go_on(),
    ):
        for progress in fit(params, images, chosen, folder, report, resume, joint):
            show(progress.step, summary(progress))
    notice.print(f"{folder / 'checkpoint.pt'} is ready.", soft_wrap=True)


def summary(progress: "Progress") -> str:
    """The figures of a line of progress."""
    figures = {"reconstruction": progress.reconstruction, "KL": sum(progress.kl), **progress.knobs}
    shown = [f"{name} {figure:.4g}" for name, figure in figures.items()]
    return "  ".join([f"{progress.images_per_second:,.0f} images/s", *shown])


@contextmanager
def telling_how_to_go_on() -> Iterator[None]:
    """Where a run is interrupted, say what to type."""
    try:
        yield
    except InterruptionError as stop:
        typed = [argument for argument in sys.argv[1:] if argument != "--resume"]
        again = shlex.join(["bvae", *typed, "--resume"])
        raise InterruptionError(stop.number, stop.message, f"go on: {again}") from stop
