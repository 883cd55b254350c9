"""3D Shapes (Burgess & Kim 2018): 480,000 images of a solid in a room, in colour."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.labels import attach_labels, encode_labels
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources import arrays
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of an HDF5 file with `images` and `labels`: all of 3D Shapes, or any subset.

    Raises:
        BvaeError: it is not such a file.
    """
    from bvae_cli.system.hdf5 import get_array, open_hdf5

    with wrap_read_errors(path, "3D Shapes"):
        with open_hdf5(path) as file:
            values, count = get_array(file, "labels")[:], len(get_array(file, "images"))
        names = list(SHAPES3D.spec.factors)
        if values.shape != (count, len(names)):
            raise ValueError(f"its labels are {values.shape}, not ({count}, {len(names)})")
        spec, labels = attach_labels(options.spec, names, encode_labels(values))
    return ImageStream(spec, read_blocks(path, spec), labels)


def read_blocks(path: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed images."""
    from bvae_cli.sources.preprocessing import crop_and_resize_block

    blocks = arrays.read_hdf5_blocks(path, "images", arrays.require_rgb_images)
    return arrays.pack_blocks(path, "3D Shapes", blocks, partial(crop_and_resize_block, spec=spec))


SHAPES3D = Dataset(
    spec=DataSpec(
        "shapes3d",
        channels=3,
        likelihood="bernoulli",
        factors={"floor_hue": 10, "wall_hue": 10, "object_hue": 10, "scale": 8, "shape": 4, "orientation": 15},
        pixel_format="bytes",
        resample="bilinear",
    ),
    sources={
        "official": (
            RemoteFile(
                name="3dshapes.h5",
                urls=("https://storage.googleapis.com/3d-shapes/3dshapes.h5",),
                hash="sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
                size=267_573_662,
            ),
        )
    },
    read=read,
    origin="Burgess & Kim 2018, github.com/google-deepmind/3d-shapes",
    licence="Apache 2.0",
    showcase=lambda sizes: [
        (0, sizes[1] // 2, sizes[2] // 3, sizes[3] - 1, shape, sizes[5] // 2) for shape in range(sizes[4])
    ],
)
