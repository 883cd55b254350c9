"""Which data sets there are, and which of them are here."""

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
    """A data set, and its data file."""

    dataset: Dataset
    spec: DataSpec  # as it is here, else as published
    file_bytes: int | None = None  # bytes of the data file, where it is there

    @property
    def download_bytes(self) -> int | None:
        """Bytes that are fetched by default; None where nothing is, or nobody says."""
        source = next(iter(self.dataset.sources.values()))
        sizes = [] if callable(source) else [remote.size for remote in source]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None


def list_datasets(folder: Path) -> Iterator[CatalogueEntry]:
    """The data sets of the table, then those of the user's own that lie in a folder; damaged files are passed over."""
    for name, dataset in DATASETS.items():
        yield find_entry(dataset, name, folder) or CatalogueEntry(dataset, dataset.spec)
    for path in sorted(folder.glob("*.h5")):
        if path.stem not in DATASETS and (own := find_entry(FOLDER, path.stem, folder)):
            yield own


def find_entry(dataset: Dataset, name: str, folder: Path) -> CatalogueEntry | None:
    """A data set of which there is a data file."""
    path = folder / f"{name}.h5"
    try:
        with store.open_data_file(path, name) as content:
            return CatalogueEntry(dataset, content.spec, path.stat().st_size)
    except BvaeError:
        return None
