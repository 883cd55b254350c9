"""Listings of zips and tars, to be checked before any file is read."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from io import BufferedIOBase, BufferedReader
from typing import IO, NamedTuple, cast

ZIP_HEADER_BYTES = 30  # fixed part of the header before a member's name and content
TAR_BLOCK = 512  # bytes
MAX_HEADER_BYTES = 2**20  # of one member of a tar


class ListedFile(NamedTuple):
    """A file as listed by an archive, not yet checked."""

    name: str
    size: int  # bytes, as declared by the archive
    fault: str  # why it is unsupported, or empty
    content: Callable[[], bytes]  # one byte more than `size` if there are more


def file_type_fault(mode: int) -> str:
    """Return why a file of this mode is unsupported, or an empty string; a mode without a type is a regular file."""
    if stat.S_ISLNK(mode):
        return "is a link"
    if stat.S_ISDIR(mode):
        return "is a link to a folder"
    return "" if stat.S_IFMT(mode) in {0, stat.S_IFREG} else "is a device or a pipe"


def list_zip(file: BufferedReader) -> Iterator[ListedFile]:
    """Yield the files of a zip; raises as zipfile does, and ValueError if the start is not in the directory."""
    archive = zipfile.ZipFile(file)
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:  # in a truncated zip, zipfile may find the directory of an inner zip
        raise ValueError("its directory does not describe the whole file")
    ends = [info.header_offset for info in infos[1:]] + [archive.start_dir]
    for info, end in zip(infos, ends, strict=False):
        if not info.orig_filename.endswith(("/", "\\")):
            yield ListedFile(
                info.orig_filename, info.file_size, zip_member_fault(info, end), partial(read_zip_member, archive, info)
            )


def zip_member_fault(info: zipfile.ZipInfo, end: int) -> str:
    """Return why a member is unsupported, or an empty string; the next member starts at byte `end`."""
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # zipfile expands others without a limit
        return "has an unsupported compression method (only deflate is supported)"
    if info.header_offset + ZIP_HEADER_BYTES + len(info.orig_filename) + info.compress_size > end:
        return "overlaps the next member"
    return file_type_fault(info.external_attr >> 16)


def read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return the content of a member, and one byte more if it is longer than declared."""
    extended = copy(info)
    extended.file_size += 1  # zipfile would silently stop at the declared end of the member
    with archive.open(extended) as file:
        return file.read(extended.file_size)


class BoundedHeaderReader:
    """A view of a tar for tarfile, with a limit on the header bytes per member and on the total size."""

    def __init__(self, file: BufferedIOBase, max_bytes: int) -> None:
        self.file, self.max_bytes = file, max_bytes
        self.remaining = MAX_HEADER_BYTES  # header bytes still allowed for the current member
        self.last = b""  # the bytes read last

    def read(self, size: int) -> bytes:
        """Return the next bytes; raises ValueError if a limit is exceeded."""
        self.remaining -= size
        if self.remaining < 0 or self.file.tell() > self.max_bytes:
            raise ValueError("its headers are too large")
        self.last = self.file.read(size)
        return self.last

    def seek(self, offset: int) -> int:
        """Move to a byte and return the new position."""
        return self.file.seek(offset)

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self.file.tell()


def list_tar(file: BufferedIOBase, max_bytes: int) -> Iterator[ListedFile]:
    """Yield the files of a tar, reading it to its end so that its checksum is verified.

    Raises:
        Exception: it is corrupt.
    """
    headers = BoundedHeaderReader(file, max_bytes)
    tar = tarfile.TarFile(fileobj=cast(IO[bytes], headers), encoding="utf-8")
    while info := tar.next():
        tar.members.clear()  # type: ignore[attr-defined]  # else it keeps all of them in memory
        headers.remaining = MAX_HEADER_BYTES
        if not info.isdir():
            content = partial(read_at_offset, file, info.offset_data, info.size)
            yield ListedFile(info.name, info.size, tar_member_fault(info), content)
    if headers.last != bytes(TAR_BLOCK):  # tarfile treats a corrupt header as the end of the archive
        raise EOFError("it is corrupt or truncated")
    while block := file.read(MAX_HEADER_BYTES):
        if block.strip(b"\0") or file.tell() > max_bytes:
            raise ValueError("it contains data after its end")


def tar_member_fault(info: tarfile.TarInfo) -> str:
    """Return why a member is unsupported, or an empty string."""
    if info.issym() or info.islnk():
        return "is a link"
    if info.issparse():
        return "is a sparse file"
    return "" if info.isreg() else "is a device or a pipe"


def read_at_offset(file: BufferedIOBase, offset: int, size: int) -> bytes:
    """Return `size` bytes of a file from an offset."""
    file.seek(offset)
    return file.read(size)
