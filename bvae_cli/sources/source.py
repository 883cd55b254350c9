"""Remote files of a data set, and options for reading them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from bvae_cli.images.spec import DataSpec
from bvae_cli.system.reporting import NoticeCallback, ProgressCallback, ignore_notice, ignore_progress

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".ppm", ".pgm", ".pbm", ".tif", ".tiff", ".avif",
)  # fmt: skip


def is_image_name(name: str) -> bool:
    """Return whether a file is an image, judged by the end of its name."""
    return name.lower().endswith(IMAGE_SUFFIXES)


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a source."""

    spec: DataSpec  # the requested size, channels and name; factors and number of images come from the source
    skip_corrupt: bool = False  # whether corrupt images are reported and skipped, instead of raising an error
    report: ProgressCallback = ignore_progress
    notify: NoticeCallback = ignore_notice
    exit_stack: ExitStack = field(default_factory=ExitStack)  # files that stay open until all images are read


@dataclass(frozen=True)
class RemoteFile:
    """A file on the network, downloaded from the first mirror that provides it completely."""

    name: str  # its local file name, also used to find a copy in the user's folder
    urls: tuple[str, ...]  # mirrors, in order of preference
    hash: str  # "sha256:…" or "md5:…"
    size: int | None = None  # bytes; None if unknown
    is_verified: bool = True  # whether the hash is confirmed; a mismatch is an error if so, else only a warning
