"""bvae train."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import notice, progress_bars, training_bar
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, with_params
from bvae_cli.params import Params
from bvae_cli.system.errors import InterruptionError

if TYPE_CHECKING:
    from bvae_cli.images.in_memory import ImageSource
    from bvae_cli.training.history import LogEntry


@with_params("dataset.name", "model", "objective", "train", "logging")
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
    from bvae_cli.images.in_memory import load_images
    from bvae_cli.images.stream import open_stream
    from bvae_cli.system import device, ranks
    from bvae_cli.training.fit import fit

    chosen = device.select_device(gpu, cpu, ranks.local_rank())
    notice.quiet = ranks.is_follower()  # what all of them would say, one does
    folder = out or Path("runs") / params.dataset.name
    if (folder / "last.pt").exists() and not resume:
        notice.print(f"The unfinished run in {folder} is kept as {folder / 'previous.pt'}.", soft_wrap=True)
    images: ImageSource = (open_stream if params.train.stream else load_images)(data, params.dataset.name)
    with (
        ranks.process_group(chosen) as joint,
        training_bar(params.train.num_steps) as show,
        progress_bars() as report,
        resume_hint(),
    ):
        for progress in fit(params, images, chosen, folder, report, resume, joint):
            show(progress.step, format_progress(progress))
    notice.print(f"{folder / 'checkpoint.pt'} is ready.", soft_wrap=True)


def format_progress(progress: "LogEntry") -> str:
    """The figures of a line of progress."""
    figures = {"reconstruction": progress.reconstruction_loss, "KL": sum(progress.kl), **progress.hyperparameters}
    shown = [f"{name} {figure:.4g}" for name, figure in figures.items()]
    return "  ".join([f"{progress.images_per_second:,.0f} images/s", *shown])


@contextmanager
def resume_hint() -> Iterator[None]:
    """Where a run is interrupted, say what to type."""
    try:
        yield
    except InterruptionError as stop:
        typed = [argument for argument in sys.argv[1:] if argument != "--resume"]
        again = shlex.join(["bvae", *typed, "--resume"])
        raise InterruptionError(stop.number, stop.message, f"go on: {again}") from stop
