"""bvae download."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_notice, progress_bars
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
    name="dataset.name", folder_name="dataset.name", source="dataset.source", local_path="dataset.file",
)  # fmt: skip
def download(
    params: Params,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help=f"Name of the data set: {', '.join(DATASETS)}. Default: {DatasetParams.name}."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help=f"Source of the data set. {SOURCES}. Default: the first.")] = None,
    local_path: Annotated[
        Path | None, typer.Option("--from", metavar="PATH", help="Local file or folder to read instead of a source.")
    ] = None,
    folder_name: Annotated[
        str | None, typer.Option("--name", help="Name of the new data set made from an image folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing data file.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="List all data sets and exit.")] = False,
    data: Data = Path("data"),
) -> None:
    """Create the data file of a data set: generated, downloaded, or converted from local files.

    A valid existing file is reused.
    """
    from bvae_cli.datasets.download import download as download_dataset

    if list_only:
        show_datasets(data)
        return
    if source is not None and local_path is not None:
        raise BvaeError("--source and --from are mutually exclusive", "remove one of them.")
    if folder_name is not None:
        require_new_name(name, folder_name)
    local_file = Path(params.dataset.file) if params.dataset.file and source is None else None
    dataset = find_dataset(params.dataset, local_file)
    with progress_bars() as report:
        options = ReadOptions(
            requested_spec(dataset.spec, params.dataset), params.dataset.skip_corrupt, report, print_notice
        )
        path, is_new = download_dataset(dataset, options, params.dataset.source, local_file, data, force)
    print_notice(f"{path} {'is ready' if is_new else 'exists already and is valid'}.")


def require_new_name(name: str | None, folder_name: str) -> None:
    """Raise BvaeError if --name is given for a data set other than a folder, or is the name of another data set."""
    if name != "folder":
        raise BvaeError(
            f"--name {folder_name} requires the data set 'folder'", "bvae download folder --from DIR --name mine"
        )
    if folder_name in DATASETS:
        raise BvaeError(
            f"--name {folder_name} is the name of another data set",
            "choose a new name, like mine; to read local files of that data set: "
            f"bvae download {folder_name} --from PATH",
        )


def find_dataset(dataset: DatasetParams, local_path: Path | None) -> Dataset:
    """Return the data set with a name, or `FOLDER` if the name is new and the local path is a folder."""
    if dataset.name == "folder":
        raise BvaeError(
            "the data set 'folder' requires a name for the new data set", "bvae download folder --from DIR --name mine"
        )
    if local_path and not local_path.exists():
        raise BvaeError(f"file or folder not found: {local_path}", "pass an existing path with --from.")
    if dataset.name not in DATASETS and not (local_path and local_path.is_dir()):
        raise BvaeError(
            f"data set '{dataset.name}' not found{suggest_nearest(dataset.name, DATASETS)}",
            "list all with: bvae download --list; import an image folder with: "
            "bvae download folder --from DIR --name mine",
        )
    return DATASETS.get(dataset.name, FOLDER)


def requested_spec(spec: DataSpec, dataset: DatasetParams) -> DataSpec:
    """Return the specification of a data set with the requested name, preprocessing and channels."""
    keys = ("name", "center_crop", "resample", "channels")
    return replace(spec, **{key: value for key in keys if (value := getattr(dataset, key)) is not None})
