"""dSprites (Matthey et al. 2017): 737,280 binary pictures of a square, an ellipse or a heart."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.spec import SIDE, DataSet, Pictures, Remote
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
BLOCK = 1024  # images read at a time


def rendered() -> Pictures:
    """The whole data set, drawn."""
    from bvae_cli.datasets.sprites import draw

    return Pictures(FACTORS, draw())


def read(path: Path) -> Pictures:
    """A file in the published npz or hdf5 form: all of dSprites, or any smaller grid of its factors' values.

    Only arrays are read, no pickle. Raises BvaeError, also while blocks are drawn, where the file is no such thing.
    """
    with reading(path):
        form = read_npz if zipfile.is_zipfile(path) else read_hdf5
        return form(path)


def read_npz(path: Path) -> Pictures:
    """An npz with `imgs` and `latents_classes`."""
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return Pictures(factor_grid(archive["latents_classes"]), npz_blocks(path))


def npz_blocks(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The images of an npz a block at a time: unpacked they would fill 3 GB."""
    import numpy as np

    with reading(path), zipfile.ZipFile(path) as archive, archive.open("imgs.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("its images have a header of a newer format")
        shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file)
        require_pictures(shape, dtype)
        if columns_first:
            raise ValueError("its images are stored columns first")
        while block := file.read(BLOCK * SIDE * SIDE):
            yield packed(np.frombuffer(block, dtype=np.uint8))


def read_hdf5(path: Path) -> Pictures:
    """An hdf5 with `imgs` and `latents/classes`."""
    import h5py

    with h5py.File(path) as file:
        return Pictures(factor_grid(file["latents/classes"][:]), hdf5_blocks(path))


def hdf5_blocks(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The images of an hdf5, read in the long chunks that the published file is stored in."""
    import h5py

    with reading(path), h5py.File(path) as file:
        images = file["imgs"]
        require_pictures(images.shape, images.dtype)
        step = max(images.chunks[0] if images.chunks else 0, BLOCK)
        for start in range(0, len(images), step):
            yield packed(images[start : start + step])


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a file that is not dSprites provokes into a BvaeError that names it."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BvaeError(
            f"{path} cannot be read as dSprites: {reason}", "is it the whole file, and this one?"
        ) from error


def require_pictures(shape: Sequence[int], dtype: np.dtype[np.generic]) -> None:
    """Raise ValueError where an array's form is not that of the pictures."""
    if tuple(shape[1:]) != (SIDE, SIDE) or dtype != "uint8":
        raise ValueError(f"its images are {dtype} {tuple(shape)}, not uint8 (images, {SIDE}, {SIDE})")


def packed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels of whole pictures, each 0 or 1, as (images, 512) bytes."""
    import numpy as np

    if pixels.max() > 1:
        raise ValueError("it has pixels that are neither 0 nor 1")
    return np.packbits(pixels.reshape(-1, SIDE * SIDE), axis=1)


def factor_grid(classes: NDArray[np.int64]) -> dict[str, int]:
    """The sizes of the factors that (images, 6) classes run through; ValueError where they are no whole grid."""
    import numpy as np

    if classes.ndim != 2 or classes.shape[1] != len(FACTORS) + 1:
        raise ValueError(f"its classes are {classes.shape}, not (images, {len(FACTORS) + 1})")
    values = [np.unique(column) for column in classes.T[1:]]  # the colour, always white, is left out
    sizes = [len(seen) for seen in values]
    if math.prod(sizes) != len(classes) or not np.array_equal(
        np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(FACTORS)), classes[:, 1:]
    ):
        raise ValueError("its classes are not every combination of the factors' values, in order")
    if sum(size > 1 for size in sizes) < 2:
        raise ValueError("fewer than two of its factors vary")
    return dict(zip(FACTORS, sizes, strict=True))


def showcase(grid: Sequence[int]) -> list[tuple[int, ...]]:
    """Each shape: large, upright, in the middle."""
    shapes, scales, _, columns, rows = grid
    return [(shape, scales - 1, 0, columns // 2, rows // 2) for shape in range(shapes)]


DSPRITES = DataSet(
    name="dsprites",
    channels=1,
    likelihood="bernoulli",
    sources={
        "rendered": rendered,
        "official": Remote(
            url="https://github.com/google-deepmind/dsprites-dataset/raw/master/"
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            sha256="857dc001287e8efa226e0025fac6b29e5745c621b380b0d3363e4e33f4e28fa2",
        ),
    },
    read=read,
    showcase=showcase,
)
