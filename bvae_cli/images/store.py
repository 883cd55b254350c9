"""The data file: images in HDF5, one packed image per row, in compressed chunks of rows."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.labels import factors_at
from bvae_cli.images.spec import DATASET_NAMES, DataSpec, ImageStream
from bvae_cli.images.spec_schema import parse_spec
from bvae_cli.renamed import SPEC_FIELDS, VALUES, rename_keys
from bvae_cli.system.checks import suggest_nearest
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import atomic_write
from bvae_cli.system.hdf5 import get_array, open_hdf5
from bvae_cli.system.parallel import map_ordered
from bvae_cli.system.reporting import ProgressCallback

FORMAT = 3  # 1: grids of binary images only; 2: as 3, with the old keys listed in `bvae_cli.renamed`
OLDEST_FORMAT = 2  # the oldest format that can be read
CHUNK_BYTES = 2**19  # uncompressed bytes of the images in one chunk
COMPRESSION_LEVEL = 4  # gzip
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"  # first bytes of a file
MAX_CHUNK_BYTES = 2**26  # uncompressed; the rows of one image need less than CHUNK_BYTES
HEAD_BYTES = 4096  # of a data file; they contain the name of its images


class ErrorDeferringFile(io.RawIOBase):
    """A file that stores its first OSError instead of raising it inside HDF5, which would abort the process."""

    def __init__(self, file: io.FileIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a byte and return the new position."""
        return self.file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer and return their number."""
        return self.file.readinto(buffer) or 0

    def write(self, content: memoryview) -> int:  # type: ignore[override]
        """Write all bytes and return their number; after the first error, discard them."""
        remaining = content
        try:
            while len(remaining) and not self.error:
                remaining = remaining[self.file.write(remaining) :]
        except OSError as error:
            self.error = error
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        """Set the size of the file and return it; after the first error, do nothing."""
        try:
            return self.file.truncate(size) if not self.error else size or 0
        except OSError as error:
            self.error = error
            return size or 0

    def require_written(self) -> None:
        """Raise the stored error, if there is one."""
        if self.error:
            raise self.error


def write_data_file(path: Path, stream: ImageStream, source: str, report: ProgressCallback) -> None:
    """Write a data file whose bytes depend only on the images, their spec and their source.

    Raises:
        BvaeError: the file cannot be written, or the number of images is zero or does not match their factors.
    """
    with atomic_write(path) as temporary, temporary.open("wb+", buffering=0) as file:
        sink = ErrorDeferringFile(file)
        with h5py.File(sink, "w") as content:
            digest = write_images(content, stream, sink, path, report)
            spec, labels = drop_unreadable(stream, len(content["images"]))
            if labels is not None:
                content.create_dataset("labels", data=labels.astype(np.int32), compression="gzip", track_times=False)
                digest.update(labels.astype("<i4").tobytes())
            fields = {name: value for name, value in asdict(spec).items() if name != "sha256"}
            content.attrs.update(format=FORMAT, spec=json.dumps(fields), source=source, sha256=digest.hexdigest())
        sink.require_written()


def write_images(
    file: h5py.File, stream: ImageStream, sink: ErrorDeferringFile, path: Path, report: ProgressCallback
) -> hashlib._Hash:
    """Write the images, compressed on all CPU cores, and return the hash object of their uncompressed bytes."""
    width, digest = stream.spec.bytes_per_image, hashlib.sha256()
    rows = max(1, CHUNK_BYTES // width)
    images = file.create_dataset(
        "images", (0, width), np.uint8, maxshape=(None, width), chunks=(rows, width),
        compression="gzip", compression_opts=COMPRESSION_LEVEL, track_times=False,
    )  # fmt: skip
    for block, packed in map_ordered(lambda block: (block, compress_chunk(block, rows)), rebatch(stream.blocks, rows)):
        start = len(images)
        images.resize(start + len(block), axis=0)
        images.id.write_direct_chunk((start, 0), packed)
        sink.require_written()
        digest.update(block.tobytes())
        report(f"writing {path}", len(images), max(len(images), stream.spec.num_images))
    return digest


def compress_chunk(block: NDArray[np.uint8], rows: int) -> bytes:
    """Return a compressed chunk of `rows` rows, padded with zeros."""
    padded = np.zeros((rows, block.shape[1]), dtype=np.uint8)
    padded[: len(block)] = block
    return zlib.compress(padded.tobytes(), COMPRESSION_LEVEL)


def rebatch(blocks: Iterable[NDArray[np.uint8]], rows: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the same rows in blocks of `rows` rows; the last block may be shorter."""
    rest: list[NDArray[np.uint8]] = []
    for block in blocks:
        joined = np.concatenate([*rest, block])
        stop = len(joined) // rows * rows
        yield from (joined[start : start + rows] for start in range(0, stop, rows))
        rest = [joined[stop:]]
    if sum(map(len, rest)):
        yield from rest


def drop_unreadable(stream: ImageStream, count: int) -> tuple[DataSpec, NDArray[np.int64] | None]:
    """Return the spec and labels of the `count` images written, without those that could not be read."""
    spec, labels = stream.spec, stream.labels
    if count + len(stream.unreadable) != spec.num_images:
        raise BvaeError(
            f"the number of images, {count + len(stream.unreadable)}, "
            f"is not the number of combinations of the factors, {spec.num_images}"
        )
    if not count:
        raise BvaeError("no readable image found")
    if stream.unreadable:
        all_labels = labels if labels is not None else factors_at(spec, None, np.arange(spec.num_images))
        spec, labels = replace(spec, num_samples=count), np.delete(all_labels, stream.unreadable, axis=0)
    return spec, labels if spec.factors else None


@dataclass(frozen=True)
class DataFile:
    """An open data file."""

    spec: DataSpec
    images: h5py.Dataset  # (images, bytes)
    labels: NDArray[np.int64] | None  # (images, factors); None for a full grid

    @classmethod
    def from_hdf5(cls, file: h5py.File) -> DataFile:
        """Return the content of an HDF5 file; raises errors of any type if it is not a data file or corrupt."""
        fields = rename_keys(json.loads(file.attrs["spec"]), SPEC_FIELDS)
        spec = parse_spec(fields | {"sha256": file.attrs["sha256"]})
        images = get_array(file, "images")
        if images.shape != (spec.num_images, spec.bytes_per_image) or images.dtype != np.uint8:
            raise ValueError("the shape of its images does not match its spec")
        if not images.chunks or images.chunks[1] != spec.bytes_per_image or math.prod(images.chunks) > MAX_CHUNK_BYTES:
            raise ValueError("its images are not stored in chunks of rows")
        has_labels = spec.num_samples is not None and spec.factors
        return cls(spec, images, read_labels(file, spec) if has_labels else None)

    def digest(self) -> str:
        """Return the SHA-256 of the images and labels."""
        digest, rows = hashlib.sha256(), self.images.chunks[0]
        for start in range(0, len(self.images), rows):
            digest.update(self.images[start : start + rows])
        if self.labels is not None:
            digest.update(self.labels.astype("<i4").tobytes())
        return digest.hexdigest()


def read_labels(file: h5py.File, spec: DataSpec) -> NDArray[np.int64]:
    """Return the labels of a list of images, (images, factors); raises ValueError if they do not match the spec."""
    labels = get_array(file, "labels")
    if labels.shape != (spec.num_images, len(spec.factors)) or labels.dtype != np.int32:
        raise ValueError("the shape of its labels does not match its spec")
    values: NDArray[np.int64] = labels[:].astype(np.int64)
    if (values < 0).any() or (values >= spec.factor_sizes).any():
        raise ValueError("a label is not among the values of its factor")
    return values


def read_header(path: Path) -> tuple[DataSpec, str] | None:
    """Return the spec and the source of a data file, or None if it is missing, corrupt or of an unsupported format.

    Raises:
        BvaeError: the file is not a data file of bvae, is open in another program, or cannot be read.
    """
    if not path.exists():
        return None
    try:
        if not path.is_file():
            raise stranger_error(path)
        with open_hdf5(path) as file:
            if "spec" not in file.attrs:
                raise stranger_error(path)
            return verified_header(file)
    except (BvaeError, MemoryError):
        raise
    except Exception as error:  # h5py raises errors of any type for a corrupt file
        if cause := system_fault(path, error):
            raise cause from error
        if not is_remnant(path):
            raise stranger_error(path) from error
        return None


def is_remnant(path: Path) -> bool:
    """Return whether a file that cannot be read as HDF5 may be the beginning of a data file of bvae."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return not head or (head.startswith(HDF5_MAGIC) and (len(head) < HEAD_BYTES or b"images\0" in head))


def stranger_error(path: Path) -> BvaeError:
    """Return the error for a file that bvae has not written."""
    return BvaeError(
        f"{path} is not a bvae data file",
        "choose another folder with --data, or replace the file: repeat bvae download with --force.",
    )


def system_fault(path: Path, error: Exception) -> BvaeError | None:
    """Return the error for a sound file that the system does not let us read now, or None if the file is at fault.

    h5py's errors have a number only if the system reports one, as for a locked file or one without read permission.
    """
    if isinstance(error, BlockingIOError) or "already open for" in str(error):
        return BvaeError(f"{path} is open in another program", "close it there, then run the same command again.")
    if isinstance(error, OSError) and error.errno is not None:
        return BvaeError(f"cannot read {path}: {os.strerror(error.errno)}", "check its permissions and its disk.")
    return None


def verified_header(file: h5py.File) -> tuple[DataSpec, str] | None:
    """Return the spec and the source of an open data file, or None if its format or its hash is wrong."""
    if not OLDEST_FORMAT <= file.attrs["format"] <= FORMAT:
        return None
    content, source = DataFile.from_hdf5(file), str(file.attrs["source"])
    return (
        (content.spec, VALUES["dataset.source"].get(source, source))
        if content.digest() == file.attrs["sha256"]
        else None
    )


@contextmanager
def open_data_file(path: Path, name: str) -> Iterator[DataFile]:
    """Open the data file of a data set.

    Raises:
        BvaeError: the file is not found, open in another program, unreadable, corrupt, of an unsupported format, or of
            another data set.
    """
    command = download_command(path, name)
    if not path.is_file():
        is_in_catalogue = name in DATASET_NAMES
        suggestion = "" if is_in_catalogue else suggest_nearest(name, DATASET_NAMES).removesuffix(".")
        raise BvaeError(f"data file not found: {path}{suggestion}", f"create it: {command}")
    with h5_errors(path, command), open_hdf5(path) as file:
        with any_error_is_corruption(path, command):
            content = read_content(file, path, name, command)
        yield content


def read_content(file: h5py.File, path: Path, name: str, command: str) -> DataFile:
    """Return the content of an open data file.

    Raises:
        BvaeError: it has an unsupported format or another name.
        Exception: it is corrupt.
    """
    if file.attrs["format"] > FORMAT:
        raise BvaeError(
            f"{path} has the unsupported format {file.attrs['format']}, newer than {FORMAT}",
            "upgrade bvae: pip install --upgrade bvae",
        )
    if file.attrs["format"] < OLDEST_FORMAT:
        raise BvaeError(
            f"{path} has the unsupported format {file.attrs['format']}, older than {OLDEST_FORMAT}",
            f"create it again: {command}",
        )
    content = DataFile.from_hdf5(file)
    if content.spec.name != name:
        raise BvaeError(
            f"{path} contains {content.spec.name}, not {name}",
            f"choose another folder with --data, or replace the file: {command} --force",
        )
    return content


@contextmanager
def h5_errors(path: Path, command: str) -> Iterator[None]:
    """Report the OSErrors of h5py by their cause; errors of the code that uses the file stay as they are."""
    try:
        yield
    except OSError as error:
        if cause := system_fault(path, error) if error.filename in {None, str(path)} else None:
            raise cause from error
        if error.errno is not None:
            raise
        raise corrupt_error(path, command) from error


@contextmanager
def any_error_is_corruption(path: Path, command: str) -> Iterator[None]:
    """Report an error of any type, as h5py and json raise them for a corrupt file, except missing memory."""
    try:
        yield
    except (BvaeError, MemoryError, OSError):
        raise
    except Exception as error:
        raise corrupt_error(path, command) from error


def corrupt_error(path: Path, command: str) -> BvaeError:
    """Return the error for a file whose content is wrong."""
    return BvaeError(f"{path} is corrupt, or not a bvae data file", f"create it again: {command} --force")


def download_command(path: Path, name: str) -> str:
    """Return the command that creates a data file."""
    command = f"bvae download {name}" if name in DATASET_NAMES else f"bvae download folder --from DIR --name {name}"
    return command + ("" if path.parent == Path("data") else f" --data {path.parent}")


def read_data_file(path: Path, name: str) -> tuple[DataSpec, NDArray[np.uint8], NDArray[np.int64] | None]:
    """Return the spec, the images, (images, bytes), and the labels of a data file; raises as `open_data_file` does."""
    with open_data_file(path, name) as content:
        packed = np.empty(content.images.shape, dtype=np.uint8)
        content.images.read_direct(packed)
    return content.spec, packed, content.labels


def read_at(path: Path, name: str, index: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the images at these indices, (images, bytes), in this order; raises as `open_data_file` does.

    No chunk is read twice.
    """
    with open_data_file(path, name) as content:
        rows, order = content.images.chunks[0], np.argsort(index, kind="stable")
        packed = np.empty((len(index), content.spec.bytes_per_image), dtype=np.uint8)
        for places in np.split(order, np.flatnonzero(np.diff(index[order] // rows)) + 1):
            if len(places):
                start = index[places[0]] // rows * rows
                packed[places] = content.images[start : start + rows][index[places] - start]
    return packed


def read_chunks(path: Path, name: str, chunks: Iterable[int]) -> NDArray[np.uint8]:
    """Return the images of these chunks, (images, bytes), in this order; raises as `open_data_file` does."""
    with open_data_file(path, name) as content:
        size = content.images.chunks[0]
        return np.concatenate([content.images[chunk * size : (chunk + 1) * size] for chunk in chunks])
