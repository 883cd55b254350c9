"""Any folder of pictures of one's own: JPEG, PNG or WebP, in sub-folders or not, of any sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bvae_cli.datasets.spec import DataSet, DataSpec, Pictures, Reading
from bvae_cli.system.errors import BvaeError

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
GREYS = {"1", "L", "LA", "I", "I;16", "I;16B"}  # of Pillow's modes


def read(path: Path, reading: Reading) -> Pictures:
    """All pictures of a folder by name, grey where all of them are; raises BvaeError where there is none."""
    from bvae_cli.datasets import gallery

    if not path.is_dir():
        raise BvaeError(f"{path} is no folder", "name a folder of pictures with --from.")
    archive, members = gallery.found(path, lambda name: name.lower().endswith(ENDINGS), reading)
    channels = reading.spec.channels or channels_of(path, [member.name for member in members])
    spec = replace(reading.spec, channels=channels, listed=len(members))
    return gallery.pictures(archive, members, replace(reading, spec=spec))


def channels_of(path: Path, names: list[str]) -> int:
    """1 where all pictures are grey, else 3; what cannot be read says nothing."""
    from PIL import Image

    for name in names:
        try:
            with Image.open(path / name) as picture:
                if picture.mode not in GREYS:
                    return 3
        except Exception:  # Pillow's readers raise of all kinds; it is told when the picture is read
            continue
    return 1


def asked_for(_: Reading) -> Pictures:
    """Nothing: it is the user who has it."""
    raise BvaeError("which folder?", "bvae download folder --from DIR --name mine")


FOLDER = DataSet(
    spec=DataSpec("folder", channels=0, likelihood="gaussian", factors={}, listed=0, form="bytes", resample="bilinear"),
    sources={"own": asked_for},
    read=read,
    origin="a folder of your own: --from DIR --name mine",
    licence="yours",
)
