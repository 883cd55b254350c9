"""Creation of a data file from a source."""

import hashlib
import shutil
from pathlib import Path

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images import store
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.fetch import fetch
from bvae_cli.sources.folders import find_files
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import lock_or_wait, remove_temporary_files, require_folder
from bvae_cli.system.opening import open_regular
from bvae_cli.system.reporting import ProgressCallback

MAX_BYTES = 2**40  # of a source file


def download(
    dataset: Dataset, options: ReadOptions, source: str | None, local_path: Path | None, folder: Path, force: bool
) -> tuple[Path, bool]:
    """Create `folder`/<name>.h5 from a source or the user's file or folder; return the path and whether it was created.

    A valid file from the same source with the same preprocessing is reused, unless forced. Downloads are kept until the
    data file is complete, so that a call after a killed one resumes them.

    Raises:
        BvaeError: the source is unavailable, the file cannot be written, or a valid file from another source exists.
    """
    path = folder / f"{options.spec.name}.h5"
    local_path = find_published_file(dataset, local_path) if local_path else None
    origin = fingerprint(local_path, dataset, options.report) if local_path else source or next(iter(dataset.sources))
    if not force and has_valid_file(path, options.spec, origin):
        return path, False
    require_folder(folder)
    with lock_or_wait(folder, path.name, options.notify):
        remove_temporary_files(folder, path.name)
        if not force and has_valid_file(path, options.spec, origin):  # created by another process in the meantime
            return path, False
        download_folder = folder / f".{path.stem}.fetched"
        with options.exit_stack:
            images = read_source(dataset, options, origin, local_path, download_folder)
            store.write_data_file(path, images, origin, options.report)
        shutil.rmtree(download_folder, ignore_errors=True)
    if images.spec.num_images != dataset.spec.num_images and dataset.spec.num_images:
        options.notify(
            f"{path} contains {images.spec.num_images:,} images, the published data set {dataset.spec.num_images:,}."
        )
    return path, True


def has_valid_file(path: Path, requested: DataSpec, origin: str) -> bool:
    """Return whether a valid data file exists.

    Raises:
        BvaeError: it exists, but from another source or with other preprocessing.
    """
    header = store.read_header(path)
    if not header:
        return False
    spec, source = header
    hint = "replace it: --force"
    if source != origin:
        raise BvaeError(f"{path} already exists, but from '{source}', not from '{origin}'", hint)
    for key in ("center_crop", "resample", "channels"):
        existing_value, value = getattr(spec, key), getattr(requested, key)
        if existing_value != value and (value or key == "center_crop"):  # channels 0: as in the images
            raise BvaeError(f"{path} already exists, but with {key} {existing_value}, not {value}", hint)
    return True


def fingerprint(path: Path, dataset: Dataset, report: ProgressCallback) -> str:
    """Return an identifier of the user's file, or of the files that are read of a folder; it depends on their contents.

    Raises:
        BvaeError: nothing is found there, or a file cannot be read.
    """
    if not path.exists():
        raise BvaeError(f"file or folder not found: {path}", "pass an existing path with --from.")
    if not path.is_dir():
        return f"own file, sha256 {file_digest(path)}"
    digest, names = hashlib.sha256(), find_files(path, dataset.is_read)
    for done, name in enumerate(names, start=1):
        content = file_digest(path / name) if (path / name).exists() else "a link without a target"
        digest.update(f"{name}\0{content}\0".encode(errors="surrogateescape"))  # a file name need not be valid UTF-8
        report(f"hashing {path}", done, len(names))
    return f"own folder, sha256 {digest.hexdigest()}"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; raises BvaeError if it cannot be read."""
    try:
        with open_regular(path, MAX_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BvaeError(f"cannot read {path}: {error.strerror}", "check its permissions.") from error


def find_published_file(dataset: Dataset, local_path: Path) -> Path:
    """Return a published file of a data set found in the user's folder, else the path that the user gave.

    It is the file that is passed to the reader of the data set, the first one of a source.
    """
    names = [source[0].name for source in dataset.sources.values() if not callable(source)]
    return next((local_path / name for name in names if (local_path / name).is_file()), local_path)


def read_source(
    dataset: Dataset, options: ReadOptions, origin: str, local_path: Path | None, download_folder: Path
) -> ImageStream:
    """Return the images of the user's file or folder, or of a source that is rendered or downloaded."""
    if local_path:
        return dataset.read(local_path, options)
    source = dataset.sources[origin]
    if callable(source):
        return source(options)
    files = [fetch(remote, download_folder, options.report, options.notify) for remote in source]
    return dataset.read(files[0], options)
