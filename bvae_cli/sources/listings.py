"""What a folder, a zip and a tar list: files to be judged before any is read."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import IO, NamedTuple, cast

ZIP_HEADER = 30  # bytes, at least, before a member's content, and its name
TAR_BLOCK = 512  # bytes
TAR_HEADERS = 2**20  # bytes; the most that may describe one member


class ListedFile(NamedTuple):
    """A file as an archive lists it, before it is judged."""

    name: str
    size: int  # bytes, as the archive says
    fault: str  # why it cannot be taken, or nothing
    content: Callable[[], bytes]  # a byte more than `size` where there are more


def file_type_fault(mode: int) -> str:
    """Why a file of this mode cannot be taken, or nothing; a mode without a kind is a file's."""
    if stat.S_ISLNK(mode):
        return "is a link"
    return "" if stat.S_IFMT(mode) in {0, stat.S_IFREG} else "is a device or a pipe, no file"


def list_folder(root: Path) -> Iterator[ListedFile]:
    """The files of a folder and its sub-folders, sorted by name; a symbolic link is at fault, wherever it leads."""
    for name, path in sorted(walk_files(str(root))):
        status = os.lstat(path)
        yield ListedFile(
            name, status.st_size, file_type_fault(status.st_mode), partial(read_file, path, status.st_size + 1)
        )


def walk_files(folder: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    """What is in a folder and its sub-folders, and is neither hidden nor a folder: its name in there, and its path."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from walk_files(entry.path, f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}", entry.path


def read_file(path: str, most: int) -> bytes:
    """The first bytes of a file."""
    with Path(path).open("rb") as file:
        return file.read(most)


def list_zip(file: BufferedReader) -> Iterator[ListedFile]:
    """The files of a zip; raises what zipfile does, and ValueError where its directory leaves out its beginning."""
    archive = zipfile.ZipFile(file)
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:  # of a cut zip, the directory of a zip in it may be left
        raise ValueError("its directory is not that of the whole file")
    ends = [info.header_offset for info in infos[1:]] + [archive.start_dir]
    for info, end in zip(infos, ends, strict=False):
        if not info.orig_filename.endswith(("/", "\\")):
            yield ListedFile(
                info.orig_filename, info.file_size, zip_member_fault(info, end), partial(read_zip_member, archive, info)
            )


def zip_member_fault(info: zipfile.ZipInfo, end: int) -> str:
    """Why a member, before the `end` of which the next begins, cannot be taken; or nothing."""
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # zipfile unpacks others without a bound
        return "is compressed in another way than by deflate"
    if info.header_offset + ZIP_HEADER + len(info.orig_filename) + info.compress_size > end:
        return "overlaps with what follows it"
    return file_type_fault(info.external_attr >> 16)


def read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of a member, and one byte more where it has more than it says."""
    longer = copy(info)
    longer.file_size += 1  # zipfile would stop where the member should end, and say nothing
    with archive.open(longer) as file:
        return file.read(longer.file_size)


class BoundedHeaderReader:
    """A tar as tarfile may see it: few bytes for each member, and not for ever."""

    def __init__(self, file: BufferedIOBase, allowed: int) -> None:
        self.file, self.allowed = file, allowed
        self.left = TAR_HEADERS  # bytes until the next member
        self.last = b""  # what was read last

    def read(self, size: int) -> bytes:
        """Some bytes; raises ValueError where they were too many already."""
        self.left -= size
        if self.left < 0 or self.file.tell() > self.allowed:
            raise ValueError("it has more headers than is sensible")
        self.last = self.file.read(size)
        return self.last

    def seek(self, offset: int) -> int:
        """Go to a byte."""
        return self.file.seek(offset)

    def tell(self) -> int:
        """The byte that is read next."""
        return self.file.tell()


def list_tar(file: BufferedIOBase, allowed: int) -> Iterator[ListedFile]:
    """The files of a tar that is read to its end, so that its checksum is too; raises what a damaged one provokes."""
    headers = BoundedHeaderReader(file, allowed)
    tar = tarfile.TarFile(fileobj=cast(IO[bytes], headers), encoding="utf-8")
    while info := tar.next():
        tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all
        headers.left = TAR_HEADERS
        if not info.isdir():
            content = partial(read_at_offset, file, info.offset_data, info.size)
            yield ListedFile(info.name, info.size, tar_member_fault(info), content)
    if headers.last != bytes(TAR_BLOCK):  # tarfile takes a damaged header for the end
        raise EOFError("it is damaged or cut short")
    while block := file.read(TAR_HEADERS):
        if block.strip(b"\0") or file.tell() > allowed:
            raise ValueError("there is more behind its end")


def tar_member_fault(info: tarfile.TarInfo) -> str:
    """Why a member cannot be taken, or nothing."""
    if info.issym() or info.islnk():
        return "is a link"
    if info.issparse():
        return "is stored with gaps"
    return "" if info.isreg() else "is a device or a pipe, no file"


def read_at_offset(file: BufferedIOBase, offset: int, size: int) -> bytes:
    """Some bytes of a file."""
    file.seek(offset)
    return file.read(size)
