"""The catalogue of known data sets and of those available on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.datasets.folder import FOLDER
from bvae_cli.images import store
from bvae_cli.images.spec import DataSpec
from bvae_cli.system.errors import BvaeError


@dataclass(frozen=True)
class CatalogueEntry:
    """A data set and its data file, if there is one."""

    dataset: Dataset
    spec: DataSpec  # of the data file, else as published
    file_bytes: int | None = None  # size of the data file; None if there is none

    @property
    def download_bytes(self) -> int | None:
        """Return the number of bytes downloaded by default; None if nothing is downloaded or the size is unknown."""
        source = next(iter(self.dataset.sources.values()))
        sizes = [] if callable(source) else [remote.size for remote in source]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None


def list_datasets(folder: Path) -> Iterator[CatalogueEntry]:
    """Yield the data sets of the table, then the user's own data sets in a folder; corrupt files are skipped."""
    for name, dataset in DATASETS.items():
        yield find_entry(dataset, name, folder) or CatalogueEntry(dataset, dataset.spec)
    for path in sorted(folder.glob("*.h5")):
        if path.stem not in DATASETS and (entry := find_entry(FOLDER, path.stem, folder)):
            yield entry


def find_entry(dataset: Dataset, name: str, folder: Path) -> CatalogueEntry | None:
    """Return the entry of a data set whose data file is in a folder, or None if there is no valid file."""
    path = folder / f"{name}.h5"
    try:
        with store.open_data_file(path, name) as content:
            return CatalogueEntry(dataset, content.spec, path.stat().st_size)
    except BvaeError:
        return None
