"""dSprites (Matthey et al. 2017): 737,280 binary images of a square, an ellipse or a heart."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.labels import encode_labels, is_grid
from bvae_cli.images.spec import SIDE, DataSpec, ImageStream
from bvae_cli.sources import arrays
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}


def render(options: ReadOptions) -> ImageStream:
    """Return the whole data set, rendered."""
    from bvae_cli.datasets.dsprites_rendering import render_sprites

    return ImageStream(replace(options.spec, factors=FACTORS), render_sprites())


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of a file in the published npz or HDF5 format: all of dSprites, or a smaller grid.

    Only arrays are read, never pickles.

    Raises:
        BvaeError: the file has another format; raised also while blocks are read.
    """
    with wrap_read_errors(path, "dSprites"):
        classes, blocks = read_npz(path) if zipfile.is_zipfile(path) else read_hdf5(path)
        spec = replace(options.spec, factors=factor_grid(classes))
    return ImageStream(spec, arrays.pack_blocks(path, "dSprites", blocks, pack_bits))


def read_npz(path: Path) -> tuple[NDArray[np.int64], Iterator[NDArray[np.uint8]]]:
    """Return the classes and the images of an npz with `imgs` and `latents_classes`; uncompressed they need 3 GB."""
    from bvae_cli.system import npz_files

    classes = npz_files.read_npz(path, ["latents_classes"])["latents_classes"]
    return classes.astype("int64"), arrays.read_npz_blocks(path, "imgs", require_sprite_images)


def read_hdf5(path: Path) -> tuple[NDArray[np.int64], Iterator[NDArray[np.uint8]]]:
    """Return the classes and the images of an HDF5 file with `imgs` and `latents/classes`."""
    from bvae_cli.system.hdf5 import get_array, open_hdf5

    with open_hdf5(path) as file:
        return get_array(file, "latents/classes")[:], arrays.read_hdf5_blocks(path, "imgs", require_sprite_images)


def require_sprite_images(shape: Sequence[int], dtype: np.dtype[np.generic]) -> None:
    """Raise ValueError if an array does not have the shape and dtype of the images."""
    if tuple(shape[1:]) != (SIDE, SIDE) or dtype != "uint8":
        raise ValueError(f"its images are {dtype} {tuple(shape)}, not uint8 (images, {SIDE}, {SIDE})")


def pack_bits(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return binary images, each pixel 0 or 1, packed into (images, 512) bytes; raises ValueError for other values."""
    import numpy as np

    if pixels.max() > 1:
        raise ValueError("it has pixels that are neither 0 nor 1")
    return np.packbits(pixels.reshape(-1, SIDE * SIDE), axis=1)


def factor_grid(classes: NDArray[np.int64]) -> dict[str, int]:
    """Return the sizes of the factors, given classes, (images, 6); raises ValueError if they are not a full grid."""
    if classes.ndim != 2 or classes.shape[1] != len(FACTORS) + 1:
        raise ValueError(f"its classes are {classes.shape}, not (images, {len(FACTORS) + 1})")
    labels = encode_labels(classes[:, 1:])  # without the colour, which is always white
    if not is_grid(labels):
        raise ValueError("its classes are not every combination of the factors' values, in order")
    sizes = [int(size) for size in labels.max(axis=0) + 1]
    if sum(size > 1 for size in sizes) < 2:
        raise ValueError("fewer than two of its factors vary")
    return dict(zip(FACTORS, sizes, strict=True))


def showcase_factors(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the factors of each shape, large, upright and centred."""
    shapes, scales, _, columns, rows = sizes
    return [(shape, scales - 1, 0, columns // 2, rows // 2) for shape in range(shapes)]


DSPRITES = Dataset(
    spec=DataSpec("dsprites", channels=1, likelihood="bernoulli", factors=FACTORS),
    sources={
        "procedural": render,
        "official": (
            RemoteFile(
                name="dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
                urls=(
                    "https://github.com/google-deepmind/dsprites-dataset/raw/master/"
                    "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
                ),
                hash="sha256:857dc001287e8efa226e0025fac6b29e5745c621b380b0d3363e4e33f4e28fa2",
            ),
        ),
    },
    read=read,
    origin="Matthey et al. 2017, github.com/google-deepmind/dsprites-dataset",
    licence="rendered by bvae; the published file: Apache 2.0",
    showcase=showcase_factors,
)
