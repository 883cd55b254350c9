"""bvae import."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import print_notice, progress_bars
from bvae_cli.commands.options import FILES, Data
from bvae_cli.datasets import DATASETS

if TYPE_CHECKING:
    from bvae_cli.checkpoint import Checkpoint


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Checkpoint file of YannDubs/disentangling-vae (model.pt) or 1Konny/Beta-VAE (last)."
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(help=f"Training data of the model: {', '.join(DATASETS)}. Default: dsprites, if greyscale."),
    ] = None,
    likelihood: Annotated[
        str | None, typer.Option(help="Likelihood p(x|z) of a pixel. Default: that of the data set.")
    ] = None,
    data: Data = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Output folder. Default: runs/<name of FILE>.", rich_help_panel=FILES)
    ] = None,
) -> None:
    """Import a model that was trained by another codebase as checkpoint.pt; code in its file is never executed.

    Latent statistics and example images are computed from the data file, if it exists.
    """
    from bvae_cli.interop.importer import import_model

    folder = out or Path("runs") / file.stem
    with progress_bars() as report:
        model = import_model(file, dataset, likelihood, data, folder, report)
    print_notice(f"{folder / 'checkpoint.pt'} is ready: {summarize_model(model)}.")
    if not model.latents:
        print_notice(missing_statistics_note(model, data))


def summarize_model(model: "Checkpoint") -> str:
    """Return a description of an imported model and its origin."""
    return f"{model.params.model.net}, {model.vae.latent_dim} latents, on {model.spec.name}, from {model.imported_from}"


def missing_statistics_note(model: "Checkpoint", data: Path) -> str:
    """Return a notice of missing latent statistics and examples: the reason, and the commands that add them."""
    from bvae_cli.images.spec import UNKNOWN

    name, problem = model.spec.name, "The checkpoint has no latent statistics and no example images:"
    if name == UNKNOWN:
        return f"{problem} its training data is unknown. Specify it with --dataset."
    data_option = [] if data == Path("data") else ["--data", str(data)]
    download, import_again = shlex.join(["bvae", "download", name, *data_option]), shlex.join(["bvae", *sys.argv[1:]])
    return f"{problem} {data / f'{name}.h5'} not found. To add both: {download} && {import_again}"
