"""MPI3D (Gondal et al. 2019): 1,036,800 pictures of an object on a robot's arm, drawn, drawn well, or real."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets import arrays
from bvae_cli.datasets.arrays import explained
from bvae_cli.datasets.spec import DataSet, DataSpec, Pictures, Reading, Remote

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


def read(path: Path, reading: Reading) -> Pictures:
    """An npz with `images`, which says nothing of factors: it is the number of images that tells the whole of MPI3D.

    Raises BvaeError where it is none.
    """
    with explained(path, "MPI3D"):
        count = arrays.npz_shape(path, "images")[0]
    if count == math.prod(FACTORS.values()):
        return Pictures(replace(reading.spec, factors=FACTORS), blocks(path, reading.spec))
    reading.tell(
        f"{path.name} has {count:,} images: it is a part of MPI3D, and which is not known, nor are its factors."
    )
    return Pictures(replace(reading.spec, factors={}, listed=count), blocks(path, reading.spec))


def blocks(path: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """The images, packed."""
    from bvae_cli.datasets.framing import framed_block

    found = arrays.npz_blocks(path, "images", arrays.require_colours)
    return arrays.packed(path, "MPI3D", found, partial(framed_block, spec=spec))


def mpi3d(kind: str, md5: str) -> DataSet:
    """One of the three."""
    url = f"https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/mpi3d_{kind}.npz"
    return DataSet(
        spec=DataSpec(
            f"mpi3d_{kind}", channels=3, likelihood="bernoulli", factors=FACTORS, form="bytes", resample="bilinear"
        ),
        sources={"official": (Remote(name=f"mpi3d_{kind}.npz", urls=(url,), hash=f"md5:{md5}"),)},
        read=read,
        origin="Gondal et al. 2019, github.com/rr-learning/disentanglement_dataset",
        licence="CC BY 4.0",
    )


MPI3D_TOY = mpi3d("toy", "55889cb7c7dfc655d6e0277beee88868")
MPI3D_REALISTIC = mpi3d("realistic", "59a6225b88b635365f70c91b3e52f70f")
MPI3D_REAL = mpi3d("real", "0f33f609918fb5c97996692f91129802")
