"""bvae train."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import notice, print_notice, progress_bars, training_bar
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, with_params
from bvae_cli.commands.tables import warn_about_collapse
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
        Path | None, typer.Option(help="Run folder. Default: runs/<data set>.", rich_help_panel=FILES)
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the unfinished run in the run folder, if any.", rich_help_panel=FILES),
    ] = False,
) -> None:
    """Train a model; writes checkpoint.pt and history.csv to the run folder.

    Options override the params file, which overrides the defaults. Ctrl-C saves a checkpoint; --resume continues from
    it with a bit-identical result.
    """
    from bvae_cli.checkpoint import load_checkpoint
    from bvae_cli.images.in_memory import load_images
    from bvae_cli.images.stream import open_stream
    from bvae_cli.system import device, ranks
    from bvae_cli.training.fit import fit

    torch_device = device.select_device(gpu, cpu, ranks.local_rank())
    notice.quiet = ranks.is_follower()  # only rank 0 prints
    folder = out or Path("runs") / params.dataset.name
    if (folder / "last.pt").exists() and not resume:
        print_notice(f"The checkpoint of the unfinished run in {folder} is moved to {folder / 'previous.pt'}.")
    if params.train.precision == "bfloat16" and not device.has_bfloat16(torch_device.type):
        print_notice("This CPU has no bfloat16 instructions: the model is trained in float32.")
    images: ImageSource = (open_stream if params.train.stream else load_images)(data, params.dataset.name)
    with (
        ranks.process_group(torch_device) as group,
        training_bar(params.train.num_steps) as show,
        progress_bars() as report,
        resume_hint(),
    ):
        for entry in fit(params, images, torch_device, folder, report, resume, group, print_notice):
            show(entry.step, format_progress(entry))
    if not ranks.is_follower():
        warn_about_collapse(load_checkpoint(folder / "checkpoint.pt").latents)
    print_notice(f"{folder / 'checkpoint.pt'} is ready.")


def format_progress(entry: "LogEntry") -> str:
    """Return the values of a log entry as one line."""
    values = {"reconstruction": entry.reconstruction_loss, "KL": sum(entry.kl), **entry.hyperparameters}
    texts = [f"{name} {value:.4g}" for name, value in values.items()]
    return "  ".join([f"{entry.images_per_second:,.0f} images/s", *texts])


@contextmanager
def resume_hint() -> Iterator[None]:
    """Add the command that resumes the run to an interruption within the block."""
    try:
        yield
    except InterruptionError as stop:
        arguments = [argument for argument in sys.argv[1:] if argument != "--resume"]
        command = shlex.join(["bvae", *arguments, "--resume"])
        raise InterruptionError(stop.number, stop.message, command) from stop
