"""Images stored in one large array, read one block at a time."""

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

MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 2**22, 2**28  # bytes read at a time

ArrayCheck = Callable[[tuple[int, ...], "np.dtype[np.generic]"], None]
"""Raises ValueError if the shape or the dtype of an array is wrong."""


@contextmanager
def wrap_read_errors(path: Path, name: str) -> Iterator[None]:
    """Convert any error raised by an invalid file into a BvaeError with its path and the expected data set."""
    try:
        yield
    except BvaeError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BvaeError(
            f"{path} cannot be read as {name}: {reason}", "check that the file is complete and the right one."
        ) from error


def pack_blocks(
    path: Path, name: str, blocks: Iterator[NDArray[np.uint8]], pack: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed blocks of an array in a file; raises as `wrap_read_errors` does, also during iteration."""
    with wrap_read_errors(path, name):
        yield from map(pack, blocks)


def read_npz_blocks(path: Path, name: str, check: ArrayCheck) -> Iterator[NDArray[np.uint8]]:
    """Yield the rows of a uint8 array in an npz, (rows, …), decompressing only one block at a time."""
    import numpy as np

    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("the header of its images has an unsupported version")
        shape, is_fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        check(shape, dtype)
        if is_fortran_order:
            raise ValueError("its images are stored in Fortran order, which is unsupported")
        row_bytes = int(np.prod(shape[1:]))
        for start in range(0, shape[0], rows := max(1, MIN_BLOCK_BYTES // row_bytes)):
            count = min(rows, shape[0] - start)
            block = file.read(count * row_bytes)
            if len(block) != count * row_bytes:
                raise ValueError(f"it is truncated after {start + len(block) // row_bytes} of {shape[0]} images")
            yield np.frombuffer(block, dtype=np.uint8).reshape(count, *shape[1:])


def read_npz_shape(path: Path, name: str) -> tuple[int, ...]:
    """Return the shape of an array in an npz, reading only its header."""
    import numpy as np

    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        np.lib.format.read_magic(file)
        return np.lib.format.read_array_header_1_0(file)[0]


def read_hdf5_blocks(path: Path, name: str, check: ArrayCheck) -> Iterator[NDArray[np.uint8]]:
    """Yield the rows of a uint8 array in an HDF5 file, (rows, …), in whole chunks if the chunks are large."""
    import numpy as np

    from bvae_cli.system.hdf5 import get_array, open_hdf5

    with open_hdf5(path) as file:
        images = get_array(file, name)
        check(images.shape, images.dtype)
        row_bytes = int(np.prod(images.shape[1:]))
        chunk_bytes = row_bytes * images.chunks[0] if images.chunks else 0
        rows = max(1, min(MAX_BLOCK_BYTES, max(MIN_BLOCK_BYTES, chunk_bytes)) // row_bytes)
        for start in range(0, len(images), rows):
            yield images[start : start + rows]


def require_rgb_images(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    """Raise ValueError if an array does not contain 64 × 64 RGB images."""
    if shape[1:] != (SIDE, SIDE, 3) or dtype != "uint8":
        raise ValueError(f"its images are {dtype} {shape}, not uint8 (images, {SIDE}, {SIDE}, 3)")
