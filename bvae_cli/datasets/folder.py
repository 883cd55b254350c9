"""Any folder of pictures of one's own: JPEG, PNG or WebP, in sub-folders or not, of any sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B"}  # of Pillow's modes


def read(path: Path, options: ReadOptions) -> ImageStream:
    """All pictures of a folder by name, grey where all of them are; raises BvaeError where there is none."""
    from bvae_cli.sources import image_files

    if not path.is_dir():
        raise BvaeError(f"{path} is no folder", "name a folder of pictures with --from.")
    archive, members = image_files.find_image_files(path, lambda name: name.lower().endswith(ENDINGS), options)
    channels = options.spec.channels or channels_of(path, [member.name for member in members])
    spec = replace(options.spec, channels=channels, num_samples=len(members))
    return image_files.stream_image_files(archive, members, replace(options, spec=spec))


def channels_of(path: Path, names: list[str]) -> int:
    """1 where all pictures are grey, else 3; what cannot be read says nothing."""
    from PIL import Image

    for name in names:
        try:
            with Image.open(path / name) as picture:
                if picture.mode not in GREY_MODES:
                    return 3
        except Exception:  # Pillow's readers raise of all kinds; it is told when the picture is read
            continue
    return 1


def require_own_folder(_: ReadOptions) -> ImageStream:
    """Nothing: it is the user who has it."""
    raise BvaeError("which folder?", "bvae download folder --from DIR --name mine")


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
