"""Pictures that lie each in a file of its own, in an archive or a folder."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources import archives
from bvae_cli.sources.archives import Archive, Member
from bvae_cli.sources.preprocessing import decode_image
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.parallel import map_ordered

IMAGES_PER_TASK = 32  # pictures that a thread decodes in one go
EncodedImage = tuple[int, str, bytes]
"""The number, the name and the bytes of a picture."""


def find_image_files(path: Path, wanted: Callable[[str], bool], options: ReadOptions) -> tuple[Archive, list[Member]]:
    """An archive, kept open for the reading, and its files whose names are wanted.

    Raises BvaeError where there is none, or the archive cannot be read.
    """
    archive = options.exit_stack.enter_context(archives.open_archive(path))
    members = [member for member in archive.members if wanted(member.name)]
    if not members:
        raise BvaeError(f"there are no pictures in {path}", "is it this file?")
    return archive, members


def stream_image_files(
    archive: Archive, members: Sequence[Member], options: ReadOptions, labels: NDArray[np.int64] | None = None
) -> ImageStream:
    """The pictures of an archive in this order, as `options` says that they are; raises what `decode_blocks` does."""
    lost: list[int] = []
    return ImageStream(options.spec, decode_blocks(archive, members, options, lost), labels, lost)


def decode_blocks(
    archive: Archive, members: Sequence[Member], options: ReadOptions, lost: list[int]
) -> Iterator[NDArray[np.uint8]]:
    """The pictures of an archive in this order, (images, bytes), read one at a time and decoded by all processors.

    Numbers of those that cannot be read are added to `lost`, where they are to be skipped; else they are BvaeErrors.
    """
    contents = read_contents(archive, members, options, lost)
    parts = iter(lambda: list(itertools.islice(contents, IMAGES_PER_TASK)), [])
    for rows, damaged in map_ordered(lambda part: decode_group(part, options.spec), parts):
        for number, name, reason in damaged:
            skip_or_raise(archive.path, number, name, reason, options, lost)
        yield rows


def read_contents(
    archive: Archive, members: Sequence[Member], options: ReadOptions, lost: list[int]
) -> Iterator[EncodedImage]:
    """The bytes of each picture that is whole."""
    total, done = sum(member.size for member in members), 0
    for number, member in enumerate(members):
        try:
            yield number, member.name, archive.read(member)
        except BvaeError as error:
            skip_or_raise(archive.path, number, member.name, error.message, options, lost)
        done += member.size
        options.report(f"reading {archive.path.name}", done, total, "bytes")


def decode_group(part: Sequence[EncodedImage], spec: DataSpec) -> tuple[NDArray[np.uint8], list[tuple[int, str, str]]]:
    """(images, bytes) of some pictures, and the number, the name and the fault of each that is none."""
    rows, damaged = [], []
    for number, name, content in part:
        try:
            rows.append(decode_image(content, spec))
        except ValueError as error:
            damaged.append((number, name, str(error)))
    return np.array(rows, dtype=np.uint8).reshape(len(rows), spec.bytes_per_image), damaged


def skip_or_raise(path: Path, number: int, name: str, reason: str, options: ReadOptions, lost: list[int]) -> None:
    """Leave a picture out, saying so, or raise BvaeError."""
    if not options.skip_corrupt:
        raise BvaeError(
            f"{name} in {path} cannot be read: {reason}", "leave such pictures out, and go on: --skip-corrupt."
        )
    options.notify(f"{name} is left out: {reason}")
    lost.append(number)
