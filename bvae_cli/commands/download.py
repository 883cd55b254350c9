"""bvae download."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli import config
from bvae_cli.commands.console import notice, reporting
from bvae_cli.commands.options import Data, ParamsFile
from bvae_cli.datasets import DATASETS
from bvae_cli.params import Dataset
from bvae_cli.system.errors import BvaeError

SOURCES = "; ".join(f"{name}: {', '.join(dataset.sources)}" for name, dataset in DATASETS.items())


def download(
    name: Annotated[str | None, typer.Argument(help=f"{', '.join(DATASETS)}. Default: {Dataset.name}.")] = None,
    source: Annotated[str | None, typer.Option(help=f"{SOURCES}. Default: the first.")] = None,
    own: Annotated[str | None, typer.Option("--from", metavar="PATH", help="Your own npz or hdf5, instead.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Make the file anew, whatever is there.")] = False,
    data: Data = Path("data"),
    params: ParamsFile = None,
) -> None:
    """Make the data file of a data set: drawn, fetched, or read from your own.

    Nothing is done where a good file is there already.
    """
    from bvae_cli.datasets.download import download as make

    if source is not None and own is not None:
        raise BvaeError("--source and --from exclude each other", "leave one out.")
    given = {key: value for key, value in (("name", name), ("source", source), ("file", own)) if value is not None}
    dataset = config.load(params, {"dataset": given}).dataset
    own_file = Path(dataset.file) if dataset.file and source is None else None
    with reporting() as report:
        path, made = make(DATASETS[dataset.name], dataset.source, own_file, data, force, report)
    notice.print(f"{path} {'is ready' if made else 'is there already, and good'}.", soft_wrap=True)
