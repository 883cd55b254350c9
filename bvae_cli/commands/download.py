"""bvae download."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import notice, print_notice, progress_bars
from bvae_cli.commands.options import Data, with_params
from bvae_cli.commands.tables import show_datasets
from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.datasets.folder import FOLDER
from bvae_cli.images.spec import DataSpec
from bvae_cli.params import DatasetParams, Params
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.checks import suggest_nearest
from bvae_cli.system.errors import BvaeError

ALTERNATIVES = {name: dataset.sources for name, dataset in DATASETS.items() if len(dataset.sources) > 1}
SOURCES = "; ".join(f"{name}: {', '.join(sources)}" for name, sources in ALTERNATIVES.items())


@with_params(
    "dataset.center_crop", "dataset.resample", "dataset.channels", "dataset.skip_corrupt",
    name="dataset.name", folder_name="dataset.name", source="dataset.source", own_path="dataset.file",
)  # fmt: skip
def download(
    params: Params,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=f"{', '.join(DATASETS)}. Default: {DatasetParams.name}.")
    ] = None,
    source: Annotated[str | None, typer.Option(help=f"{SOURCES}. Default: the first.")] = None,
    own_path: Annotated[
        Path | None, typer.Option("--from", metavar="PATH", help="Your own file or folder, instead.")
    ] = None,
    folder_name: Annotated[str | None, typer.Option("--name", help="What to call a folder of your own.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Make the file anew, whatever is there.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Show all data sets, and do nothing.")] = False,
    data: Data = Path("data"),
) -> None:
    """Make the data file of a data set: drawn, fetched, or read from your own.

    Nothing is done where a good file is there already.
    """
    from bvae_cli.datasets.download import download as make

    if list_only:
        show_datasets(data)
        return
    if source is not None and own_path is not None:
        raise BvaeError("--source and --from exclude each other", "leave one out.")
    if folder_name is not None and name != "folder":
        raise BvaeError("--name is for a folder of your own", "bvae download folder --from DIR --name mine")
    own_file = Path(params.dataset.file) if params.dataset.file and source is None else None
    entry = find_dataset(params.dataset, own_file)
    with progress_bars() as report:
        options = ReadOptions(
            requested_spec(entry.spec, params.dataset), params.dataset.skip_corrupt, report, print_notice
        )
        path, made = make(entry, options, params.dataset.source, own_file, data, force)
    notice.print(f"{path} {'is ready' if made else 'is there already, and good'}.", soft_wrap=True)


def find_dataset(dataset: DatasetParams, own_path: Path | None) -> Dataset:
    """The data set of a name; a folder where it is none of the table, but the user has one."""
    if dataset.name == "folder":
        raise BvaeError("a folder needs a name", "bvae download folder --from DIR --name mine")
    if own_path and not own_path.exists():
        raise BvaeError(f"there is no file {own_path}", "name what you have with --from.")
    if dataset.name not in DATASETS and not (own_path and own_path.is_dir()):
        raise BvaeError(
            f"there is no data set '{dataset.name}'{suggest_nearest(dataset.name, DATASETS)}",
            "bvae download --list shows all; a folder of your own: bvae download folder --from DIR --name mine",
        )
    return DATASETS.get(dataset.name, FOLDER)


def requested_spec(spec: DataSpec, dataset: DatasetParams) -> DataSpec:
    """What a data set is as published, with what the user wants otherwise."""
    keys = ("name", "center_crop", "resample", "channels")
    return replace(spec, **{key: wish for key in keys if (wish := getattr(dataset, key)) is not None})
