"""The one form that pictures have on the disk: HDF5, eight binary pixels a byte."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from bvae_cli.datasets.spec import SIDE, DataSpec, Pictures
from bvae_cli.errors import BvaeError
from bvae_cli.files import write_bytes
from bvae_cli.reporting import Report

FORMAT = 1
CHUNK = 1024  # images compressed together


def write(path: Path, spec: DataSpec, pictures: Pictures, source: str, report: Report) -> None:
    """Write a data file whose bytes depend on the pictures and on nothing else.

    Raises:
        BvaeError: the file cannot be written, or there are fewer or more pictures than their factors say.
    """
    digest, count, width = hashlib.sha256(), 0, spec.channels * SIDE * SIDE // 8
    # HDF5 brings the process down when a disk fills under it: it composes the file in memory, and we write it.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        images = file.create_dataset(
            "images", (spec.count, width), np.uint8, chunks=(min(CHUNK, spec.count), width),
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
    """Where the images of a data file came from, or None where it is not there or not good to its last bit."""
    if not path.is_file():
        return None
    try:
        with h5py.File(path) as file:
            good = hashlib.sha256(file["images"][:]).hexdigest() == file.attrs["sha256"]
            return str(file.attrs["source"]) if good else None
    except (OSError, KeyError):
        return None


def read(path: Path, name: str) -> tuple[DataSpec, NDArray[np.uint8]]:
    """The data file of a data set: what it holds, and its images, (images, bytes), eight binary pixels a byte.

    Raises:
        BvaeError: there is none, it is damaged, or it holds another data set.
    """
    remedy = f"bvae download {name}"
    if not path.is_file():
        raise BvaeError(f"there is no data file {path}", f"make it: {remedy}")
    try:
        with h5py.File(path) as file:
            spec = DataSpec(**json.loads(file.attrs["spec"]))
            packed = np.empty(file["images"].shape, dtype=np.uint8)
            file["images"].read_direct(packed)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BvaeError(f"{path} is damaged, or no data file of ours", f"make it anew: {remedy} --force") from error
    if spec.name != name:
        raise BvaeError(
            f"{path} holds {spec.name}, not {name}", f"name another folder, or make it anew: {remedy} --force"
        )
    return spec, packed
