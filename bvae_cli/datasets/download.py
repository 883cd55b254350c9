"""From a source to a data file."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bvae_cli.datasets import store
from bvae_cli.datasets.fetch import fetch
from bvae_cli.datasets.spec import DataSet, DataSpec, Pictures, Remote
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder
from bvae_cli.system.reporting import Report


def download(
    dataset: DataSet, source: str | None, own: Path | None, folder: Path, force: bool, report: Report
) -> tuple[Path, bool]:
    """Make `folder`/<name>.h5 from a source, or from the user's own file; the path, and whether it was made now.

    A good file that came from the same place is left alone, unless forced.

    Raises:
        BvaeError: the source cannot be had, the file not be written, or a good one is there from elsewhere.
    """
    path = folder / f"{dataset.name}.h5"
    origin = own_origin(own) if own else source or next(iter(dataset.sources))
    present = None if force else store.source_of(path)
    if present == origin:
        return path, False
    if present:
        raise BvaeError(f"{path} is there already, but not from '{origin}': from '{present}'", "to replace it: --force")
    require_folder(folder)
    with pictures_of(dataset, origin, own, folder, report) as pictures:
        spec = DataSpec(dataset.name, dataset.channels, dataset.likelihood, pictures.factors)
        store.write(path, spec, pictures, origin, report)
    return path, True


def own_origin(path: Path) -> str:
    """A name for the user's own file that says what is in it, and not where it lies."""
    if not path.is_file():
        raise BvaeError(f"there is no file {path}", "name an npz or hdf5 with --from.")
    with path.open("rb") as file:
        return f"own file, sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextmanager
def pictures_of(dataset: DataSet, origin: str, own: Path | None, folder: Path, report: Report) -> Iterator[Pictures]:
    """The pictures of a source; what has to be fetched for them is gone afterwards."""
    if own:
        yield dataset.read(own)
        return
    source = dataset.sources[origin]
    if isinstance(source, Remote):
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as temporary:
            yield dataset.read(fetch(source, Path(temporary), report))
    else:
        yield source()
