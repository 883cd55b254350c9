"""Cars3D (Reed et al. 2015): 183 cars in colour, each from 24 azimuths and 4 elevations."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvae_cli.sources.archives import Archive, Member

SHAPE = (128, 128, 3, 24, 4)  # of the array of one car: height, width, channels, azimuth, elevation


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of the tar, or of a folder, with one .mat file per car, ordered by name.

    Raises:
        BvaeError: it contains no car.
    """
    from bvae_cli.sources import image_files

    archive, members = image_files.find_image_files(path, is_car, options)
    spec = replace(options.spec, factors={"elevation": SHAPE[4], "azimuth": SHAPE[3], "object": len(members)})
    return ImageStream(spec, read_blocks(archive, members, replace(options, spec=spec)))


def is_car(name: str) -> bool:
    """Return whether a file contains a car, judged by its name: data/cars/….mat."""
    return name.endswith(".mat")


def read_blocks(archive: Archive, members: Sequence[Member], options: ReadOptions) -> Iterator[NDArray[np.uint8]]:
    """Yield all images, packed, one elevation at a time.

    Each file contains images of every elevation, so all images are kept in memory: 200 MB.
    """
    import numpy as np

    names = sorted(member.name for member in members)
    images = np.empty((SHAPE[4], SHAPE[3], len(members), options.spec.bytes_per_image), dtype=np.uint8)
    for done, member in enumerate(members, start=1):
        with wrap_read_errors(archive.path, f"Cars3D: {member.name}"):
            images[:, :, names.index(member.name)] = read_car(archive.read(member), options.spec)
        options.report(f"reading {archive.path.name}", done, len(members))
    yield from images.reshape(SHAPE[4], -1, options.spec.bytes_per_image)


def read_car(content: bytes, spec: DataSpec) -> NDArray[np.uint8]:
    """Return the packed images of a car, (elevations, azimuths, bytes); raises ValueError if the file is not a car."""
    import numpy as np
    from scipy.io import loadmat, whosmat

    from bvae_cli.sources.preprocessing import crop_and_resize_block

    arrays = {name: (shape, dtype) for name, shape, dtype in whosmat(io.BytesIO(content))}
    if arrays.get("im") != (SHAPE, "uint8"):
        raise ValueError(f"its `im` is {arrays.get('im', 'missing')}, not {(SHAPE, 'uint8')}")
    pixels = np.moveaxis(loadmat(io.BytesIO(content), variable_names=["im"])["im"], (4, 3), (0, 1))
    return crop_and_resize_block(pixels.reshape(-1, *SHAPE[:3]), spec).reshape(SHAPE[4], SHAPE[3], -1)


CARS3D = Dataset(
    spec=DataSpec(
        "cars3d",
        channels=3,
        likelihood="bernoulli",
        factors={"elevation": 4, "azimuth": 24, "object": 183},
        pixel_format="bytes",
        resample="lanczos",
    ),
    sources={
        "official": (
            RemoteFile(
                name="nips2015-analogy-data.tar.gz",
                urls=("http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",),
                hash="md5:4e866a7919c1beedf53964e6f7a23686",
            ),
        )
    },
    read=read,
    is_read=is_car,
    origin="Reed et al. 2015, scottreed.info",
    licence="none stated",
)
