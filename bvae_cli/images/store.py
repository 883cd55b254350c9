"""The one form that pictures have on the disk: HDF5, a packed picture a row, chunks of rows compressed."""

from __future__ import annotations

import hashlib
import io
import json
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
from bvae_cli.renamed import SPEC, VALUES, with_new_keys
from bvae_cli.system.checks import suggest_nearest
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import atomic_write
from bvae_cli.system.parallel import map_ordered
from bvae_cli.system.reporting import ProgressCallback

FORMAT = 3  # 1 had a grid of binary pictures alone, 2 the same under other names
OLDEST = 2  # that is read
CHUNK = 2**19  # bytes of the images that are compressed together
LEVEL = 4  # of compression


class ErrorDeferringFile(io.RawIOBase):
    """A file that keeps the first error of the system to itself: HDF5, told of it, brings the process down."""

    def __init__(self, file: io.FileIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file does."""
        return self.file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As a file does."""
        return self.file.readinto(buffer) or 0

    def write(self, content: memoryview) -> int:  # type: ignore[override]
        """All of it, or nothing any more once something could not be written."""
        left = content
        try:
            while len(left) and not self.error:
                left = left[self.file.write(left) :]
        except OSError as error:
            self.error = error
        return len(content)

    def truncate(self, size: int | None = None) -> int:
        """As `write_data_file` does."""
        try:
            return self.file.truncate(size) if not self.error else size or 0
        except OSError as error:
            self.error = error
            return size or 0

    def require_written(self) -> None:
        """Raise the error that there was."""
        if self.error:
            raise self.error


def write_data_file(path: Path, stream: ImageStream, source: str, report: ProgressCallback) -> None:
    """Write a data file whose bytes depend on the pictures and on nothing else.

    Raises:
        BvaeError: the file cannot be written, there is no picture, or fewer or more than their factors say.
    """
    with atomic_write(path) as temporary, temporary.open("wb+", buffering=0) as file:
        sink = ErrorDeferringFile(file)
        with h5py.File(sink, "w") as content:
            digest = write_images(content, stream, sink, path, report)
            spec, labels = drop_unreadable(stream, len(content["images"]))
            if labels is not None:
                content.create_dataset("labels", data=labels.astype(np.int32), compression="gzip", track_times=False)
                digest.update(labels.astype("<i4").tobytes())
            content.attrs.update(format=FORMAT, spec=json.dumps(asdict(spec)), source=source, sha256=digest.hexdigest())
        sink.require_written()


def write_images(
    file: h5py.File, stream: ImageStream, sink: ErrorDeferringFile, path: Path, report: ProgressCallback
) -> hashlib._Hash:
    """Write the images, compressed by all processors; the hash of what they were."""
    width, digest = stream.spec.bytes_per_image, hashlib.sha256()
    rows = max(1, CHUNK // width)
    images = file.create_dataset(
        "images", (0, width), np.uint8, maxshape=(None, width), chunks=(rows, width),
        compression="gzip", compression_opts=LEVEL, track_times=False,
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
    """A chunk of so many rows, the last of which may be empty."""
    whole = np.zeros((rows, block.shape[1]), dtype=np.uint8)
    whole[: len(block)] = block
    return zlib.compress(whole.tobytes(), LEVEL)


def rebatch(blocks: Iterable[NDArray[np.uint8]], rows: int) -> Iterator[NDArray[np.uint8]]:
    """The same rows, so many together; fewer at the end."""
    rest: list[NDArray[np.uint8]] = []
    for block in blocks:
        joined = np.concatenate([*rest, block])
        whole = len(joined) // rows * rows
        yield from (joined[start : start + rows] for start in range(0, whole, rows))
        rest = [joined[whole:]]
    if sum(map(len, rest)):
        yield from rest


def drop_unreadable(stream: ImageStream, count: int) -> tuple[DataSpec, NDArray[np.int64] | None]:
    """What so many pictures are and their labels, once it is known which of them could not be read."""
    spec, labels = stream.spec, stream.labels
    if count + len(stream.unreadable) != spec.num_images:
        raise BvaeError(f"there are not as many images as combinations of the factors, {spec.num_images}")
    if not count:
        raise BvaeError("there is no picture in it that can be read")
    if stream.unreadable:
        every = labels if labels is not None else factors_at(spec, None, np.arange(spec.num_images))
        spec, labels = replace(spec, num_samples=count), np.delete(every, stream.unreadable, axis=0)
    return spec, labels if spec.factors else None


@dataclass(frozen=True)
class DataFile:
    """A data file that is open."""

    spec: DataSpec
    images: h5py.Dataset  # (images, bytes)
    labels: NDArray[np.int64] | None  # (images, factors), where they are no grid

    @classmethod
    def from_hdf5(cls, file: h5py.File) -> DataFile:
        """What is in a file; raises of all kinds where it is none of ours, or damaged."""
        spec = DataSpec(**with_new_keys(json.loads(file.attrs["spec"]), SPEC))
        images = file["images"]
        if images.shape != (spec.num_images, spec.bytes_per_image) or images.dtype != np.uint8:
            raise ValueError("its images are not as many, or not as wide, as it says")
        listed = spec.num_samples is not None and spec.factors
        return cls(spec, images, file["labels"][:].astype(np.int64) if listed else None)

    def digest(self) -> str:
        """The hash of what is in it."""
        digest, rows = hashlib.sha256(), self.images.chunks[0]
        for start in range(0, len(self.images), rows):
            digest.update(self.images[start : start + rows])
        if self.labels is not None:
            digest.update(self.labels.astype("<i4").tobytes())
        return digest.hexdigest()


def read_header(path: Path) -> tuple[DataSpec, str] | None:
    """What a data file holds and where it came from; None where it is not there or not good to its last bit.

    Raises:
        BvaeError: there is a sound HDF5 file that is not ours.
    """
    if not path.is_file():
        return None
    try:
        with h5py.File(path) as file:
            ours = "spec" in file.attrs
            content = verified_header(file) if ours else None
    except Exception:  # whatever a damaged file provokes
        return None
    if not ours:
        raise BvaeError(f"{path} is no data file of ours", "read it with --from, or replace it with --force.")
    return content


def verified_header(file: h5py.File) -> tuple[DataSpec, str] | None:
    """What a file of ours holds and where it came from, where it is of this format and is what was written."""
    if not OLDEST <= file.attrs["format"] <= FORMAT:
        return None
    content, source = DataFile.from_hdf5(file), str(file.attrs["source"])
    return (
        (content.spec, VALUES["dataset.source"].get(source, source))
        if content.digest() == file.attrs["sha256"]
        else None
    )


@contextmanager
def open_data_file(path: Path, name: str) -> Iterator[DataFile]:
    """The data file of a data set.

    Raises:
        BvaeError: there is none, it is damaged or of another format, or it holds another data set.
    """
    remedy = download_command(path, name)
    if not path.is_file():
        published = name in DATASET_NAMES
        close = "" if published else suggest_nearest(name, DATASET_NAMES).removeprefix(";").removesuffix(".")
        raise BvaeError(f"there is no data file {path}{close and ':' + close}", f"make it: {remedy}")
    try:
        with h5py.File(path) as file:
            if file.attrs["format"] > FORMAT:
                raise BvaeError(f"{path} is of a newer format than this bvae knows, {FORMAT}", "upgrade bvae.")
            if file.attrs["format"] < OLDEST:
                raise BvaeError(f"{path} is of an older format than {OLDEST}", f"make it anew: {remedy}")
            content = DataFile.from_hdf5(file)
            if content.spec.name != name:
                raise BvaeError(
                    f"{path} holds {content.spec.name}, not {name}", f"take another folder, or: {remedy} --force"
                )
            yield content
    except BvaeError:
        raise
    except Exception as error:  # whatever a stranger's file provokes
        raise BvaeError(f"{path} is damaged, or no data file of ours", f"make it anew: {remedy} --force") from error


def download_command(path: Path, name: str) -> str:
    """What makes a data file."""
    command = f"bvae download {name}" if name in DATASET_NAMES else f"bvae download folder --from DIR --name {name}"
    return command + ("" if path.parent == Path("data") else f" --data {path.parent}")


def read_data_file(path: Path, name: str) -> tuple[DataSpec, NDArray[np.uint8], NDArray[np.int64] | None]:
    """A whole data file: what it holds, its images, (images, bytes), and their labels; as `open_data_file`."""
    with open_data_file(path, name) as content:
        packed = np.empty(content.images.shape, dtype=np.uint8)
        content.images.read_direct(packed)
    return content.spec, packed, content.labels


def read_at(path: Path, name: str, index: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The images of these numbers, (images, bytes), in this order, no chunk read twice; as `open_data_file`."""
    with open_data_file(path, name) as content:
        rows, order = content.images.chunks[0], np.argsort(index, kind="stable")
        packed = np.empty((len(index), content.spec.bytes_per_image), dtype=np.uint8)
        for places in np.split(order, np.flatnonzero(np.diff(index[order] // rows)) + 1):
            if len(places):
                start = index[places[0]] // rows * rows
                packed[places] = content.images[start : start + rows][index[places] - start]
    return packed


def read_chunks(path: Path, name: str, chunks: Iterable[int]) -> NDArray[np.uint8]:
    """The images of some chunks, (images, bytes), one chunk after the other; raises what `open_data_file` does."""
    with open_data_file(path, name) as content:
        size = content.images.chunks[0]
        return np.concatenate([content.images[chunk * size : (chunk + 1) * size] for chunk in chunks])
