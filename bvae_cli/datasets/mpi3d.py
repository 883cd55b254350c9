"""MPI3D (Gondal et al. 2019): 1,036,800 pictures of an object on a robot's arm, drawn, drawn well, or real."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources import arrays
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTORS = {
    "object_color": 6,
    "object_shape": 6,
    "object_size": 2,
    "camera_height": 3,
    "background_color": 3,
    "horizontal_axis": 40,
    "vertical_axis": 40,
}


def read(path: Path, options: ReadOptions) -> ImageStream:
    """An npz with `images`, which says nothing of factors: it is the number of images that tells the whole of MPI3D.

    Raises BvaeError where it is none.
    """
    with wrap_read_errors(path, "MPI3D"):
        count = arrays.read_npz_shape(path, "images")[0]
    if count == math.prod(FACTORS.values()):
        return ImageStream(replace(options.spec, factors=FACTORS), read_blocks(path, options.spec))
    options.notify(
        f"{path.name} has {count:,} images: it is a part of MPI3D, and which is not known, nor are its factors."
    )
    return ImageStream(replace(options.spec, factors={}, num_samples=count), read_blocks(path, options.spec))


def read_blocks(path: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """The images, packed."""
    from bvae_cli.sources.preprocessing import crop_and_resize_block

    found = arrays.read_npz_blocks(path, "images", arrays.require_rgb_images)
    return arrays.pack_blocks(path, "MPI3D", found, partial(crop_and_resize_block, spec=spec))


def make_mpi3d(kind: str, md5: str) -> Dataset:
    """One of the three."""
    url = f"https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/mpi3d_{kind}.npz"
    return Dataset(
        spec=DataSpec(
            f"mpi3d_{kind}",
            channels=3,
            likelihood="bernoulli",
            factors=FACTORS,
            pixel_format="bytes",
            resample="bilinear",
        ),
        sources={"official": (RemoteFile(name=f"mpi3d_{kind}.npz", urls=(url,), hash=f"md5:{md5}"),)},
        read=read,
        origin="Gondal et al. 2019, github.com/rr-learning/disentanglement_dataset",
        licence="CC BY 4.0",
    )


MPI3D_TOY = make_mpi3d("toy", "55889cb7c7dfc655d6e0277beee88868")
MPI3D_REALISTIC = make_mpi3d("realistic", "59a6225b88b635365f70c91b3e52f70f")
MPI3D_REAL = make_mpi3d("real", "0f33f609918fb5c97996692f91129802")
