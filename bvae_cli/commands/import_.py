"""bvae import."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import notice, progress_bars
from bvae_cli.commands.options import FILES, Data
from bvae_cli.datasets import DATASETS

if TYPE_CHECKING:
    from bvae_cli.checkpoint import Checkpoint


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A model.pt of YannDubs/disentangling-vae, or a last of 1Konny/Beta-VAE."),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(help=f"What it was trained on: {', '.join(DATASETS)}. Default: dsprites, of grey ones."),
    ] = None,
    likelihood: Annotated[str | None, typer.Option(help="Likelihood of a pixel. Default: the data set's own.")] = None,
    data: Data = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. Default: runs/<name of the file>.", rich_help_panel=FILES)
    ] = None,
) -> None:
    """Turn a model that another program trained into checkpoint.pt; nothing that is in its file is executed.

    What is known of its latents, and some images, are taken from the data, where that is there.
    """
    from bvae_cli.interop.importer import import_model

    folder = out or Path("runs") / file.stem
    with progress_bars() as report:
        model = import_model(file, dataset, likelihood, data, folder, report)
    notice.print(
        f"{folder / 'checkpoint.pt'} is ready: {summarize_model(model)}.", soft_wrap=True, highlight=False, markup=False
    )
    if not model.latents:
        notice.print(missing_statistics_note(model, data), soft_wrap=True, highlight=False, markup=False)


def summarize_model(model: "Checkpoint") -> str:
    """What it is, and where it comes from."""
    return f"{model.params.model.net}, {model.vae.latent_dim} latents, on {model.spec.name}, from {model.imported_from}"


def missing_statistics_note(model: "Checkpoint", data: Path) -> str:
    """That it has neither latents nor examples, why, and what to type to have them."""
    from bvae_cli.images.spec import UNKNOWN

    name, lacks = model.spec.name, "It says nothing of its latents and carries no images:"
    if name == UNKNOWN:
        return f"{lacks} what it was trained on is not known. Name it with --dataset."
    elsewhere = [] if data == Path("data") else ["--data", str(data)]
    download, again = shlex.join(["bvae", "download", name, *elsewhere]), shlex.join(["bvae", *sys.argv[1:]])
    return f"{lacks} there is no {data / f'{name}.h5'}. To have both: {download} && {again}"
