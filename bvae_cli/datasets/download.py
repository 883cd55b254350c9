"""From a source to a data file."""

import hashlib
import shutil
from pathlib import Path

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images import store
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.fetch import fetch
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import lock_or_wait, require_folder


def download(
    dataset: Dataset, options: ReadOptions, source: str | None, own_path: Path | None, folder: Path, force: bool
) -> tuple[Path, bool]:
    """Make `folder`/<name>.h5 from a source, or from the user's own file or folder; the path, and whether it was made.

    A good file that came from the same place in the same way is left alone, unless forced. What was fetched is kept
    until the data file is whole, so that a call after one that was killed goes on from there.

    Raises:
        BvaeError: the source cannot be had, the file not be written, or a good one is there from elsewhere.
    """
    path, own_path = folder / f"{options.spec.name}.h5", find_published_file(dataset, own_path) if own_path else None
    origin = fingerprint(own_path) if own_path else source or next(iter(dataset.sources))
    if not force and has_valid_file(path, options.spec, origin):
        return path, False
    require_folder(folder)
    with lock_or_wait(folder, path.name, options.notify):
        for part in folder.glob(f".{path.name}.*.part"):  # of one that was killed
            part.unlink(missing_ok=True)
        if not force and has_valid_file(path, options.spec, origin):  # by another process, meanwhile
            return path, False
        fetched = folder / f".{path.stem}.fetched"
        with options.exit_stack:
            pictures = read_source(dataset, options, origin, own_path, fetched)
            store.write_data_file(path, pictures, origin, options.report)
        shutil.rmtree(fetched, ignore_errors=True)
    if pictures.spec.num_images != dataset.spec.num_images and dataset.spec.num_images:
        options.notify(
            f"{path} holds {pictures.spec.num_images:,} pictures; as published they are {dataset.spec.num_images:,}."
        )
    return path, True


def has_valid_file(path: Path, wanted: DataSpec, origin: str) -> bool:
    """Whether a good file is there already; raises BvaeError where one is, but from elsewhere or made otherwise."""
    found = store.read_header(path)
    if not found:
        return False
    spec, source = found
    remedy = "to replace it: --force"
    if source != origin:
        raise BvaeError(f"{path} is there already, but not from '{origin}': from '{source}'", remedy)
    for key in ("center_crop", "resample", "channels"):
        was, wish = getattr(spec, key), getattr(wanted, key)
        if was != wish and (wish or key == "center_crop"):  # channels may be left to the pictures
            raise BvaeError(f"{path} is there already, but with {key} {was}, not {wish}", remedy)
    return True


def fingerprint(path: Path) -> str:
    """A name for the user's own file or folder that says what is in it, and not where it lies."""
    if path.is_file():
        return f"own file, sha256 {file_digest(path)}"
    if not path.is_dir():
        raise BvaeError(f"there is no file {path}", "name what you have with --from.")
    whole = hashlib.sha256()
    for member in sorted(member for member in path.rglob("*") if member.is_file()):
        if member.suffix != ".h5":  # our own may be made in there
            whole.update(f"{member.relative_to(path).as_posix()}\0{file_digest(member)}\0".encode())
    return f"own folder, sha256 {whole.hexdigest()}"


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_published_file(dataset: Dataset, own_path: Path) -> Path:
    """The first of the files of a data set that lies in the user's own folder, else what the user named."""
    remotes = [remote for source in dataset.sources.values() if not callable(source) for remote in source]
    return next((own_path / remote.name for remote in remotes if (own_path / remote.name).is_file()), own_path)


def read_source(
    dataset: Dataset, options: ReadOptions, origin: str, own_path: Path | None, fetched: Path
) -> ImageStream:
    """The pictures of the user's own, or of a source: drawn, or read from what is fetched to a folder."""
    if own_path:
        return dataset.read(own_path, options)
    source = dataset.sources[origin]
    if callable(source):
        return source(options)
    files = [fetch(remote, fetched, options.report, options.notify) for remote in source]
    return dataset.read(files[0], options)
