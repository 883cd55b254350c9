"""3D Faces (Higgins et al. 2017): faces of the Basel Face Model, whose file each user has to ask for, drawn here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.arrays import explained
from bvae_cli.datasets.spec import DataSet, DataSpec, Pictures, Reading
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTORS = {"identity": 50, "azimuth": 21, "elevation": 11, "lighting": 11}  # Chen et al. 2018, arXiv 1802.04942


def read(path: Path, reading: Reading) -> Pictures:
    """Faces of the model in a file; raises BvaeError where it is none, or where they are to be in colour."""
    if reading.spec.channels != 1:
        raise BvaeError("faces are drawn in grey", "leave out --channels.")
    return Pictures(replace(reading.spec, factors=FACTORS), blocks(path))


def blocks(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The pictures, packed, those of a face at a time."""
    from bvae_cli.datasets import face_model, portraits

    with explained(path, "the Basel Face Model"):
        yield from portraits.draw(face_model.read(path), FACTORS)


def asked_for(_: Reading) -> Pictures:
    """Nothing: the model is licensed, and there is no public address to fetch it from."""
    raise BvaeError(
        "faces needs the Basel Face Model 2009, which the University of Basel gives to those who ask",
        "ask at faces.dmi.unibas.ch/bfm, then: bvae download faces --from 01_MorphableModel.mat",
    )


FACES = DataSet(
    spec=DataSpec("faces", channels=1, likelihood="bernoulli", factors=FACTORS, form="bytes", resample="bilinear"),
    sources={"licensed": asked_for},
    read=read,
    origin="drawn from the Basel Face Model, Paysan et al. 2009, faces.dmi.unibas.ch/bfm",
    licence="of the model, asked for at its site: not commercial",
    showcase=lambda grid: [(face, grid[1] // 2, grid[2] // 2, grid[3] // 3) for face in range(min(3, grid[0]))],
)
