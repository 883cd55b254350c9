"""3D Chairs (Aubry et al. 2014): 1,393 chairs, each seen from 62 directions, on white."""

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

NAME = re.compile(r"(?:^|/)([^/]+)/renders/[^/]*_p(\d+)_t(\d+)[^/]*\.png$")
View = tuple[str, int, int]
"""Chair, elevation and azimuth, degrees."""


def read(path: Path, options: ReadOptions) -> ImageStream:
    """The renderings in the tar, or in a folder, in the order of chair, elevation and azimuth.

    Raises BvaeError where there are none.
    """
    from bvae_cli.sources import image_files

    archive, members = image_files.find_image_files(path, lambda name: NAME.search(name) is not None, options)
    views = sorted((parse_view(member.name), member) for member in members)
    spec, labels = attach_labels(options.spec, list(CHAIRS3D.spec.factors), view_labels([view for view, _ in views]))
    return image_files.stream_image_files(archive, [member for _, member in views], replace(options, spec=spec), labels)


def parse_view(name: str) -> View:
    """What a file shows, by its name: …/<chair>/renders/image_NNN_pPPP_tTTT_rRRR.png."""
    found = NAME.search(name)
    assert found is not None
    chair, elevation, azimuth = found.groups()
    return chair, int(elevation), int(azimuth)


def view_labels(views: Sequence[View]) -> NDArray[np.int64]:
    """(images, 3): views, in their order, as numbers of values.

    An azimuth is numbered within its chair and elevation: in the names it is rounded.
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
