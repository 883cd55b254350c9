"""Pictures that lie each in a file of its own, in an archive or a folder."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.datasets import archives
from bvae_cli.datasets.archives import Archive, Member
from bvae_cli.datasets.framing import decoded
from bvae_cli.datasets.spec import DataSpec, Pictures, Reading
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.parallel import ordered

TOGETHER = 32  # pictures that a thread decodes in one go
Content = tuple[int, str, bytes]
"""The number, the name and the bytes of a picture."""


def found(path: Path, wanted: Callable[[str], bool], reading: Reading) -> tuple[Archive, list[Member]]:
    """An archive, kept open for the reading, and its files whose names are wanted.

    Raises BvaeError where there is none, or the archive cannot be read.
    """
    archive = reading.kept.enter_context(archives.opened(path))
    members = [member for member in archive.members if wanted(member.name)]
    if not members:
        raise BvaeError(f"there are no pictures in {path}", "is it this file?")
    return archive, members


def pictures(
    archive: Archive, members: Sequence[Member], reading: Reading, labels: NDArray[np.int64] | None = None
) -> Pictures:
    """The pictures of an archive in this order, as `reading` says that they are; raises what `blocks` does."""
    lost: list[int] = []
    return Pictures(reading.spec, blocks(archive, members, reading, lost), labels, lost)


def blocks(
    archive: Archive, members: Sequence[Member], reading: Reading, lost: list[int]
) -> Iterator[NDArray[np.uint8]]:
    """The pictures of an archive in this order, (images, bytes), read one at a time and decoded by all processors.

    Numbers of those that cannot be read are added to `lost`, where they are to be skipped; else they are BvaeErrors.
    """
    contents = read(archive, members, reading, lost)
    parts = iter(lambda: list(itertools.islice(contents, TOGETHER)), [])
    for rows, damaged in ordered(lambda part: decoded_part(part, reading.spec), parts):
        for number, name, reason in damaged:
            refuse(archive.path, number, name, reason, reading, lost)
        yield rows


def read(archive: Archive, members: Sequence[Member], reading: Reading, lost: list[int]) -> Iterator[Content]:
    """The bytes of each picture that is whole."""
    total, done = sum(member.size for member in members), 0
    for number, member in enumerate(members):
        try:
            yield number, member.name, archive.read(member)
        except BvaeError as error:
            refuse(archive.path, number, member.name, error.message, reading, lost)
        done += member.size
        reading.report(f"reading {archive.path.name}", done, total, "bytes")


def decoded_part(part: Sequence[Content], spec: DataSpec) -> tuple[NDArray[np.uint8], list[tuple[int, str, str]]]:
    """(images, bytes) of some pictures, and the number, the name and the fault of each that is none."""
    rows, damaged = [], []
    for number, name, content in part:
        try:
            rows.append(decoded(content, spec))
        except ValueError as error:
            damaged.append((number, name, str(error)))
    return np.array(rows, dtype=np.uint8).reshape(len(rows), spec.width), damaged


def refuse(path: Path, number: int, name: str, reason: str, reading: Reading, lost: list[int]) -> None:
    """Leave a picture out, saying so, or raise BvaeError."""
    if not reading.skip:
        raise BvaeError(
            f"{name} in {path} cannot be read: {reason}", "leave such pictures out, and go on: --skip-corrupt."
        )
    reading.tell(f"{name} is left out: {reason}")
    lost.append(number)
