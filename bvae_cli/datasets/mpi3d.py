"""MPI3D (Gondal et al. 2019): 1,036,800 images of an object on a robot arm; toy, realistic or real."""

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
    """Return the images of an npz with `images`, which contains no factors.

    A file with the published number of images is taken to be all of MPI3D, in order.

    Raises:
        BvaeError: it is not such a file.
    """
    with wrap_read_errors(path, "MPI3D"):
        count = arrays.read_npz_shape(path, "images")[0]
    if count == math.prod(FACTORS.values()):
        return ImageStream(replace(options.spec, factors=FACTORS), read_blocks(path, options.spec))
    options.notify(f"{path.name} contains {count:,} images, a subset of MPI3D; their factors are unknown.")
    return ImageStream(replace(options.spec, factors={}, num_samples=count), read_blocks(path, options.spec))


def read_blocks(path: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed images."""
    from bvae_cli.sources.preprocessing import crop_and_resize_block

    blocks = arrays.read_npz_blocks(path, "images", arrays.require_rgb_images)
    return arrays.pack_blocks(path, "MPI3D", blocks, partial(crop_and_resize_block, spec=spec))


def make_mpi3d(variant: str, md5: str) -> Dataset:
    """Return one of the three variants."""
    url = f"https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/mpi3d_{variant}.npz"
    return Dataset(
        spec=DataSpec(
            f"mpi3d_{variant}",
            channels=3,
            likelihood="bernoulli",
            factors=FACTORS,
            pixel_format="bytes",
            resample="bilinear",
        ),
        sources={"official": (RemoteFile(name=f"mpi3d_{variant}.npz", urls=(url,), hash=f"md5:{md5}"),)},
        read=read,
        origin="Gondal et al. 2019, github.com/rr-learning/disentanglement_dataset",
        licence="CC BY 4.0",
    )


MPI3D_TOY = make_mpi3d("toy", "55889cb7c7dfc655d6e0277beee88868")
MPI3D_REALISTIC = make_mpi3d("realistic", "59a6225b88b635365f70c91b3e52f70f")
MPI3D_REAL = make_mpi3d("real", "0f33f609918fb5c97996692f91129802")
