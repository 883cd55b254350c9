"""Which data sets there are, and which of them are here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.datasets import DATASETS, store
from bvae_cli.datasets.folder import FOLDER
from bvae_cli.datasets.spec import DataSet, DataSpec
from bvae_cli.system.errors import BvaeError


@dataclass(frozen=True)
class Entry:
    """A data set, and its data file."""

    dataset: DataSet
    spec: DataSpec  # as it is here, else as published
    here: int | None = None  # bytes of the data file, where it is there

    @property
    def fetched(self) -> int | None:
        """Bytes that are fetched by default; None where nothing is, or nobody says."""
        source = next(iter(self.dataset.sources.values()))
        sizes = [] if callable(source) else [remote.size for remote in source]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None


def shelf(folder: Path) -> Iterator[Entry]:
    """The data sets of the table, then those of the user's own that lie in a folder; damaged files are passed over."""
    for name, dataset in DATASETS.items():
        yield entry(dataset, name, folder) or Entry(dataset, dataset.spec)
    for path in sorted(folder.glob("*.h5")):
        if path.stem not in DATASETS and (own := entry(FOLDER, path.stem, folder)):
            yield own


def entry(dataset: DataSet, name: str, folder: Path) -> Entry | None:
    """A data set of which there is a data file."""
    path = folder / f"{name}.h5"
    try:
        with store.opened(path, name) as content:
            return Entry(dataset, content.spec, path.stat().st_size)
    except BvaeError:
        return None
