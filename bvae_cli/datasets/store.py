"""The one form that pictures have on the disk: HDF5, eight binary pixels a byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from bvae_cli.datasets.spec import SIDE, DataSpec, Pictures
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_bytes
from bvae_cli.system.reporting import Report

FORMAT = 1
CHUNK = 1024  # images compressed together


def write(path: Path, spec: DataSpec, pictures: Pictures, source: str, report: Report) -> None:
    """Write a data file whose bytes depend on the pictures and on nothing else.

    Raises:
        BvaeError: the file cannot be written, or there are fewer or more pictures than their factors say.
    """
    digest, count = hashlib.sha256(), 0
    # HDF5 brings the process down when a disk fills under it: it composes the file in memory, and we write it.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        images = file.create_dataset(
            "images", (spec.count, width(spec)), np.uint8, chunks=(min(CHUNK, spec.count), width(spec)),
            compression="gzip", compression_opts=4, track_times=False,
        )  # fmt: skip
        for block in pictures.blocks:
            start, count = count, count + len(block)
            if count > spec.count:
                break
            images[start:count] = block
            digest.update(block.tobytes())
            report(f"writing {path}", count, spec.count)
        if count != spec.count:
            raise BvaeError(f"there are not as many images as combinations of the factors, {spec.count}")
        file.attrs.update(format=FORMAT, spec=json.dumps(asdict(spec)), source=source, sha256=digest.hexdigest())
        file.flush()
        write_bytes(path, file.id.get_file_image())


def source_of(path: Path) -> str | None:
    """Where the images of a data file came from, or None where it is not there or not good to its last bit.

    Raises:
        BvaeError: there is a sound HDF5 file that is not ours.
    """
    if not path.is_file():
        return None
    try:
        with h5py.File(path) as file:
            ours = "spec" in file.attrs
            source = str(file.attrs["source"]) if ours and sound(file) else None
    except Exception:  # whatever a damaged file provokes
        return None
    if not ours:
        raise BvaeError(f"{path} is no data file of ours", "read it with --from, or replace it with --force.")
    return source


def sound(file: h5py.File) -> bool:
    """Whether a file of ours is of this format, and its images are those that were written."""
    same = hashlib.sha256(file["images"][:]).hexdigest() == file.attrs["sha256"]
    return bool(same and file.attrs["format"] == FORMAT)


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[DataSpec, h5py.Dataset]]:
    """The data file of a data set: what it holds, and its images, (images, bytes), eight binary pixels a byte.

    Raises:
        BvaeError: there is none, it is damaged or of a newer format, or it holds another data set.
    """
    remedy = f"bvae download {name}" + ("" if path.parent == Path("data") else f" --data {path.parent}")
    if not path.is_file():
        raise BvaeError(f"there is no data file {path}", f"make it: {remedy}")
    try:
        with h5py.File(path) as file:
            if file.attrs["format"] > FORMAT:
                raise BvaeError(f"{path} is of a newer format than this bvae knows, {FORMAT}", "upgrade bvae.")
            spec = DataSpec(**json.loads(file.attrs["spec"]))
            if spec.name != name:
                raise BvaeError(f"{path} holds {spec.name}, not {name}", f"take another folder, or: {remedy} --force")
            yield spec, file["images"]
    except BvaeError:
        raise
    except Exception as error:  # whatever a stranger's file provokes
        raise BvaeError(f"{path} is damaged, or no data file of ours", f"make it anew: {remedy} --force") from error


def read(path: Path, name: str) -> tuple[DataSpec, NDArray[np.uint8]]:
    """A whole data file: what it holds, and its images, (images, bytes); raises what `opened` does."""
    with opened(path, name) as (spec, images):
        packed = np.empty((spec.count, width(spec)), dtype=np.uint8)
        images.read_direct(packed)
    return spec, packed


def read_chunks(path: Path, name: str, chunks: Iterable[int]) -> NDArray[np.uint8]:
    """The images of some chunks, (images, bytes), one chunk after the other; raises what `opened` does."""
    with opened(path, name) as (_, images):
        size = images.chunks[0]
        return np.concatenate([images[chunk * size : (chunk + 1) * size] for chunk in chunks])


def width(spec: DataSpec) -> int:
    """Bytes of a packed image."""
    return spec.channels * SIDE * SIDE // 8
