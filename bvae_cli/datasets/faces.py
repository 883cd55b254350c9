"""3D Faces (Higgins et al. 2017): faces rendered from the Basel Face Model, whose file users request themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTORS = {"identity": 50, "azimuth": 21, "elevation": 11, "lighting": 11}  # Chen et al. 2018, arXiv 1802.04942


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return faces rendered from the model in a file; raises BvaeError if three channels are requested."""
    if options.spec.channels != 1:
        raise BvaeError(f"channels {options.spec.channels} is unsupported: faces are grey", "remove --channels.")
    return ImageStream(replace(options.spec, factors=FACTORS), render_blocks(path))


def render_blocks(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed images, one identity at a time; raises BvaeError if the file is not a valid model."""
    from bvae_cli.datasets.basel_faces import face_model, rendering

    with wrap_read_errors(path, "the Basel Face Model"):
        yield from rendering.render_faces(face_model.read(path), FACTORS)


def require_own_file(_: ReadOptions) -> ImageStream:
    """Raise BvaeError: the model is licensed and cannot be downloaded."""
    raise BvaeError(
        "faces requires the Basel Face Model 2009, which the University of Basel provides on request",
        "request it at faces.dmi.unibas.ch/bfm, then: bvae download faces --from 01_MorphableModel.mat",
    )


FACES = Dataset(
    spec=DataSpec(
        "faces", channels=1, likelihood="bernoulli", factors=FACTORS, pixel_format="bytes", resample="bilinear"
    ),
    sources={"licensed": require_own_file},
    read=read,
    origin="rendered from the Basel Face Model, Paysan et al. 2009, faces.dmi.unibas.ch/bfm",
    licence="of the model, requested at its site: non-commercial",
    showcase=lambda sizes: [(face, sizes[1] // 2, sizes[2] // 2, sizes[3] // 3) for face in range(min(3, sizes[0]))],
)
