"""Cars3D (Reed et al. 2015): 183 cars, each seen from 24 sides and 4 heights, in colour."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.arrays import explained
from bvae_cli.datasets.spec import DataSet, DataSpec, Pictures, Reading, Remote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bvae_cli.datasets.archives import Archive, Member

SHAPE = (128, 128, 3, 24, 4)  # of the array of a car: height, width, channels, azimuth, elevation
SMALL = 2**16  # bytes; a table of names, not a car


def read(path: Path, reading: Reading) -> Pictures:
    """The tar, or a folder, with a .mat a car, numbered by name; raises BvaeError where it has none."""
    from bvae_cli.datasets import gallery

    archive, members = gallery.found(path, is_car, reading)
    spec = replace(reading.spec, factors={"elevation": SHAPE[4], "azimuth": SHAPE[3], "object": len(members)})
    return Pictures(spec, blocks(archive, members, replace(reading, spec=spec)))


def is_car(name: str) -> bool:
    """Whether a file is a car, by its name: data/cars/….mat."""
    return name.endswith(".mat") and not Path(name).name.startswith(".")


def blocks(archive: Archive, members: Sequence[Member], reading: Reading) -> Iterator[NDArray[np.uint8]]:
    """All images, packed, an elevation at a time: each file has some of each, so that all are held, 200 MB."""
    import numpy as np

    names = sorted(member.name for member in members)
    images = np.empty((SHAPE[4], SHAPE[3], len(members), reading.spec.width), dtype=np.uint8)
    for done, member in enumerate(members, start=1):
        with explained(archive.path, f"Cars3D: {member.name}"):
            images[:, :, names.index(member.name)] = car(archive.read(member), reading.spec)
        reading.report(f"reading {archive.path.name}", done, len(members))
    yield from images.reshape(SHAPE[4], -1, reading.spec.width)


def car(content: bytes, spec: DataSpec) -> NDArray[np.uint8]:
    """(elevations, azimuths, bytes): the pictures of a car; raises ValueError where the file is none."""
    import numpy as np
    from scipy.io import loadmat, whosmat

    from bvae_cli.datasets.framing import framed_block

    found = {name: (shape, kind) for name, shape, kind in whosmat(io.BytesIO(content))}
    if found.get("im") != (SHAPE, "uint8"):
        raise ValueError(f"its `im` is {found.get('im', 'missing')}, not {(SHAPE, 'uint8')}")
    pixels = np.moveaxis(loadmat(io.BytesIO(content), variable_names=["im"])["im"], (4, 3), (0, 1))
    return framed_block(pixels.reshape(-1, *SHAPE[:3]), spec).reshape(SHAPE[4], SHAPE[3], -1)


CARS3D = DataSet(
    spec=DataSpec(
        "cars3d",
        channels=3,
        likelihood="bernoulli",
        factors={"elevation": 4, "azimuth": 24, "object": 183},
        form="bytes",
        resample="lanczos",
    ),
    sources={
        "official": (
            Remote(
                name="nips2015-analogy-data.tar.gz",
                urls=("http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",),
                hash="md5:4e866a7919c1beedf53964e6f7a23686",
            ),
        )
    },
    read=read,
    origin="Reed et al. 2015, scottreed.info",
    licence="none stated",
)
