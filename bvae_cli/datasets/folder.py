"""A folder of the user's own images, of any common format and size, with or without sub-folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.source import ReadOptions, is_image_name
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.sources.archives import Archive

GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B"}  # Pillow's names


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return all images of a folder, ordered by name, in grey if all of them are; raises BvaeError if there is none."""
    from bvae_cli.sources import image_files

    if not path.is_dir():
        raise BvaeError(f"{path} is not a folder", "pass a folder of images with --from.")
    archive, members = image_files.find_image_files(path, is_image_name, options)
    channels = options.spec.channels or channels_of(archive)
    spec = replace(options.spec, channels=channels, num_samples=len(members))
    return image_files.stream_image_files(archive, members, replace(options, spec=spec))


def channels_of(archive: Archive) -> int:
    """Return 1 if all readable images are grey, else 3."""
    from bvae_cli.sources.preprocessing import open_image

    for member in archive.members:
        try:
            if open_image(archive.read(member)).mode not in GREY_MODES:
                return 3
        except (BvaeError, ValueError):  # the image is reported when it is decoded
            continue
    return 1


def require_own_folder(_: ReadOptions) -> ImageStream:
    """Raise BvaeError: only the user can provide the folder."""
    raise BvaeError("no folder of images specified", "bvae download folder --from DIR --name mine")


FOLDER = Dataset(
    spec=DataSpec(
        "folder",
        channels=0,
        likelihood="gaussian",
        factors={},
        num_samples=0,
        pixel_format="bytes",
        resample="bilinear",
    ),
    sources={"own": require_own_folder},
    read=read,
    origin="a folder of your own: --from DIR --name mine",
    licence="yours",
)
