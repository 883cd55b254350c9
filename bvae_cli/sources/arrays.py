"""Pictures that lie in one large array, read a block at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.images.spec import SIDE
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK, GREATEST = 2**22, 2**28  # bytes read at a time, at least and at most

ArrayCheck = Callable[[tuple[int, ...], "np.dtype[np.generic]"], None]
"""Raises ValueError where an array of this shape and kind is not what is wanted."""


@contextmanager
def wrap_read_errors(path: Path, name: str) -> Iterator[None]:
    """Turn whatever a file that is not such data provokes into a BvaeError that names it."""
    try:
        yield
    except BvaeError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BvaeError(f"{path} cannot be read as {name}: {reason}", "is it the whole file, and this one?") from error


def pack_blocks(
    path: Path, name: str, blocks: Iterator[NDArray[np.uint8]], pack: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    """Blocks of the array of a file, each packed; raises what `wrap_read_errors` does, also while they are drawn."""
    with wrap_read_errors(path, name):
        yield from map(pack, blocks)


def read_npz_blocks(path: Path, name: str, check: ArrayCheck) -> Iterator[NDArray[np.uint8]]:
    """The rows of an array of bytes in an npz, (rows, …); only so many are unpacked at a time."""
    import numpy as np

    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("its images have a header of a newer format")
        shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file)
        check(shape, dtype)
        if columns_first:
            raise ValueError("its images are stored columns first")
        row = int(np.prod(shape[1:]))
        for start in range(0, shape[0], rows := max(1, BLOCK // row)):
            count = min(rows, shape[0] - start)
            block = file.read(count * row)
            if len(block) != count * row:
                raise ValueError(f"it ends after {start + len(block) // row} of {shape[0]} images")
            yield np.frombuffer(block, dtype=np.uint8).reshape(count, *shape[1:])


def read_npz_shape(path: Path, name: str) -> tuple[int, ...]:
    """The shape of an array in an npz, of which nothing else is read."""
    import numpy as np

    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        np.lib.format.read_magic(file)
        return np.lib.format.read_array_header_1_0(file)[0]


def read_hdf5_blocks(path: Path, name: str, check: ArrayCheck) -> Iterator[NDArray[np.uint8]]:
    """The rows of an array of bytes in an hdf5, (rows, …), in whole chunks where it is stored in long ones."""
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        images = file[name]
        check(images.shape, images.dtype)
        row = int(np.prod(images.shape[1:]))
        rows = max(1, min(GREATEST, max(BLOCK, row * images.chunks[0] if images.chunks else 0)) // row)
        for start in range(0, len(images), rows):
            yield images[start : start + rows]


def require_rgb_images(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    """Raise ValueError where an array is not of pictures in colour, 64 × 64."""
    if shape[1:] != (SIDE, SIDE, 3) or dtype != "uint8":
        raise ValueError(f"its images are {dtype} {shape}, not uint8 (images, {SIDE}, {SIDE}, 3)")
