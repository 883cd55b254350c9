"""Images stored in one file each, in an archive or a folder."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.spec import SIDE, DataSpec, ImageStream
from bvae_cli.sources import archives, folders
from bvae_cli.sources.archives import Archive, Member
from bvae_cli.sources.preprocessing import decode_image, open_image
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.parallel import map_ordered

IMAGES_PER_TASK = 32  # images that a thread decodes per task
EncodedImage = tuple[int, str, bytes]
"""The index, the file name and the encoded bytes of an image."""


def find_image_files(
    path: Path, is_wanted: Callable[[str], bool], options: ReadOptions
) -> tuple[Archive, list[Member]]:
    """Return an archive, kept open until the reading ends, and those of its files whose names are wanted.

    Raises:
        BvaeError: no such file is found, or the archive cannot be read.
    """
    archive = options.exit_stack.enter_context(archives.open_archive(path, is_wanted))
    members = [member for member in archive.members if is_wanted(member.name)]
    others = folders.describe_others(path, is_wanted) if path.is_dir() else ""
    if not members:
        found = f"; {others}" if others else ""
        raise BvaeError(f"no images of this data set found in {path}{found}", "check the path given with --from.")
    if others:
        options.notify(f"{others}.")
    return archive, members


def stream_image_files(
    archive: Archive, members: Sequence[Member], options: ReadOptions, labels: NDArray[np.int64] | None = None
) -> ImageStream:
    """Return the images of an archive, in this order, with the spec in `options`; raises as `decode_blocks` does."""
    unreadable: list[int] = []
    return ImageStream(options.spec, decode_blocks(archive, members, options, unreadable), labels, unreadable)


def decode_blocks(
    archive: Archive, members: Sequence[Member], options: ReadOptions, unreadable: list[int]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of an archive in this order, (images, bytes), read sequentially and decoded on all CPU cores.

    The indices of corrupt images are appended to `unreadable` if they are to be skipped.

    Raises:
        BvaeError: an image is corrupt and not to be skipped.
    """
    contents = read_contents(archive, members, options, unreadable)
    groups, oblong = iter(lambda: list(itertools.islice(contents, IMAGES_PER_TASK)), []), 0
    for rows, corrupt, group_oblong in map_ordered(lambda group: decode_group(group, options.spec), groups):
        for index, name, reason in corrupt:
            skip_or_raise(archive.path, index, name, reason, options, unreadable)
        oblong += group_oblong
        yield rows
    if oblong and not options.spec.center_crop:
        options.notify(
            f"{oblong:,} of {len(members):,} images are not square: they were compressed to {SIDE} × {SIDE} pixels. "
            "To crop them instead: --center-crop N."
        )


def read_contents(
    archive: Archive, members: Sequence[Member], options: ReadOptions, unreadable: list[int]
) -> Iterator[EncodedImage]:
    """Yield the encoded bytes of each image that can be read from the archive."""
    total, done = sum(member.size for member in members), 0
    for index, member in enumerate(members):
        try:
            yield index, member.name, archive.read(member)
        except BvaeError as error:
            skip_or_raise(archive.path, index, member.name, error.message, options, unreadable)
        done += member.size
        options.report(f"reading {archive.path.name}", done, total, "bytes")


def decode_group(
    group: Sequence[EncodedImage], spec: DataSpec
) -> tuple[NDArray[np.uint8], list[tuple[int, str, str]], int]:
    """Decode images.

    Returns:
        The images, (images, bytes); the index, the name and the reason of each corrupt one; the number of the images
        that are not square.
    """
    rows, corrupt, oblong = [], [], 0
    for index, name, content in group:
        try:
            image = open_image(content)
            oblong += image.width != image.height
            rows.append(decode_image(image, spec))
        except ValueError as error:
            corrupt.append((index, name, str(error)))
    return np.array(rows, dtype=np.uint8).reshape(len(rows), spec.bytes_per_image), corrupt, oblong


def skip_or_raise(path: Path, index: int, name: str, reason: str, options: ReadOptions, unreadable: list[int]) -> None:
    """Skip an image and report it, or raise BvaeError."""
    if not options.skip_corrupt:
        raise BvaeError(f"{name} in {path} cannot be read: {reason}", "skip corrupt images: --skip-corrupt.")
    options.notify(f"{name} skipped: {reason}")
    unreadable.append(index)
