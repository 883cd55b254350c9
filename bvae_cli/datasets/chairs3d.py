"""3D Chairs (Aubry et al. 2014): 1,393 chairs on white, each from 62 directions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.labels import attach_labels
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IMAGE_NAME = re.compile(r"(?:^|/)([^/]+)/renders/[^/]*_p(\d+)_t(\d+)[^/]*\.png$")
View = tuple[str, int, int]
"""Chair, elevation and azimuth, the angles in degrees."""


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the renderings in the tar, or in a folder, ordered by chair, elevation and azimuth.

    Raises:
        BvaeError: it contains no rendering.
    """
    from bvae_cli.sources import image_files

    archive, members = image_files.find_image_files(path, lambda name: IMAGE_NAME.search(name) is not None, options)
    views = sorted((parse_view(member.name), member) for member in members)
    spec, labels = attach_labels(options.spec, list(CHAIRS3D.spec.factors), view_labels([view for view, _ in views]))
    return image_files.stream_image_files(archive, [member for _, member in views], replace(options, spec=spec), labels)


def parse_view(name: str) -> View:
    """Return the view that a file shows, from its name: …/<chair>/renders/image_NNN_pPPP_tTTT_rRRR.png."""
    match = IMAGE_NAME.search(name)
    assert match is not None
    chair, elevation, azimuth = match.groups()
    return chair, int(elevation), int(azimuth)


def view_labels(views: Sequence[View]) -> NDArray[np.int64]:
    """Return the integer labels, (images, 3), of sorted views.

    Azimuths are numbered within their chair and elevation, since the names contain rounded angles.
    """
    import numpy as np

    chairs = sorted({chair for chair, _, _ in views})
    elevations = sorted({elevation for _, elevation, _ in views})
    return np.array([
        (chairs.index(chair), elevations.index(elevation), azimuth)
        for (chair, elevation), group in itertools.groupby(views, key=lambda view: view[:2])
        for azimuth, _ in enumerate(group)
    ])  # fmt: skip


CHAIRS3D = Dataset(
    spec=DataSpec(
        "3dchairs",
        channels=3,
        likelihood="gaussian",
        factors={"chair": 1393, "elevation": 2, "azimuth": 31},
        pixel_format="bytes",
        resample="bilinear",
    ),
    sources={
        "official": (
            RemoteFile(
                name="rendered_chairs.tar",
                urls=("https://www.di.ens.fr/willow/research/seeing3Dchairs/data/rendered_chairs.tar",),
                hash="md5:7941bff4d19665ed2dd8c82e88293e1b",
                is_verified=False,
            ),
        )
    },
    read=read,
    origin="Aubry et al. 2014, di.ens.fr/willow/research/seeing3Dchairs",
    licence="none stated",
)
