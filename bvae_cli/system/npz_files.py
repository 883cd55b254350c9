"""Reading of npz files that anyone may have written: only the arrays that are asked for, and no pickled objects."""

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.system.opening import FREE_BYTES, MAX_RATIO, open_regular

MAX_BYTES = 2**40


def read_npz(path: Path, names: Collection[str]) -> dict[str, NDArray[np.generic]]:
    """Return those arrays of an npz file that have one of these names; no other array is read.

    Raises:
        BvaeError: it is no regular file.
        OSError: it cannot be opened.
        Exception: it is not a valid npz file, an array has pickled objects, or they are far larger than the file.
    """
    with open_regular(path, MAX_BYTES) as file:
        members = [
            member for member in zipfile.ZipFile(file).infolist() if member.filename.removesuffix(".npy") in names
        ]
        if sum(member.file_size for member in members) > FREE_BYTES + MAX_RATIO * path.stat().st_size:
            raise ValueError("its arrays are far larger than the file")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            return {name: read_array(archive, name) for name in names if name in archive.files}


def read_array(archive: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.generic]:
    """Return an array; raises ValueError, with its name, if it is invalid or has pickled objects."""
    try:
        return archive[name]
    except ValueError as error:
        if "pickle" in str(error):
            raise ValueError(f"{name} has Python objects; save numbers or text: {name}.astype(str)") from error
        raise ValueError(f"{name} is invalid: {error}") from error
