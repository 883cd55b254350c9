"""The files of a zip, a tar or a folder, read one at a time into memory without being extracted to disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from bvae_cli.sources.folders import Filter, list_folder
from bvae_cli.sources.listings import TAR_BLOCK, ListedFile, list_tar, list_zip
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.opening import FREE_BYTES, MAX_RATIO, open_regular

MAX_ARCHIVE_BYTES = 2**40
MAX_MEMBER_BYTES = 256 * 2**20  # uncompressed
ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")  # first bytes of a zip, and of an empty one
DECOMPRESSORS: dict[bytes, Callable[[BufferedReader], BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
INVALID_CHARACTERS = re.compile("\0")  # bytes that are not UTF-8 are harmless: they become surrogates
SYSTEM_FILES = {".DS_Store", "Thumbs.db"}


@dataclass(frozen=True)
class Member:
    """A file in an archive."""

    name: str  # with forward slashes
    size: int  # bytes, uncompressed


class Archive:
    """The files of an archive or a folder, without hidden files and files created by operating systems."""

    def __init__(self, path: Path, files: Iterable[ListedFile], max_bytes: float) -> None:
        """List the files; raises BvaeError at the first invalid one, or once their total size exceeds `max_bytes`.

        Nothing more is then read from `files`, so that a decompression bomb is not expanded to its end.
        """
        self.path = path
        self.members: list[Member] = []  # in archive order; those of a folder sorted by name
        self.contents: dict[str, Callable[[], bytes]] = {}
        remaining = max_bytes
        for file in files:
            remaining -= file.size
            posix_name = file.name.replace("\\", "/")
            parts = [part for part in posix_name.split("/") if part not in {"", "."}]
            name = "/".join(parts)
            fault = file.fault or name_fault(posix_name, parts) or size_fault(file.size, remaining)
            if fault or name in self.contents:
                raise member_error(path, file.name, fault or "has a duplicate name")
            if not is_system_file(parts):
                self.members.append(Member(name, file.size))
                self.contents[name] = file.content

    def read(self, member: Member) -> bytes:
        """Return the whole content of a member; all reads must be made in one thread.

        A compressed tar is decompressed once for reads in the order of `members`, and again for each read out of order.

        Raises:
            BvaeError: the member is corrupt, or its size is not the one that the archive declares.
        """
        with wrap_read_errors(self.path, member.name):
            content = self.contents[member.name]()
        if len(content) != member.size:
            raise member_error(self.path, member.name, f"does not contain the declared {member.size} bytes")
        return content


@contextmanager
def open_archive(path: Path, is_wanted: Filter) -> Iterator[Archive]:
    """Open a zip, a tar (plain, gzip, bzip2 or xz) or a folder with its sub-folders; the type is found by content.

    The files of a folder that are not wanted are left out.

    Raises:
        BvaeError: it is none of these, corrupt, truncated or empty; or a file in it has an absolute, escaping or
            duplicate name, is a link in an archive or a device, is encrypted, or is too large when decompressed.
    """
    with ExitStack() as stack:
        with wrap_read_errors(path):
            if path.is_dir():
                archive = Archive(path, list_folder(path, is_wanted), math.inf)
            elif not path.exists():
                raise BvaeError(f"file or folder not found: {path}")
            else:
                archive = list_archive(path, stack.enter_context(open_regular(path, MAX_ARCHIVE_BYTES)))
        yield archive


def list_archive(path: Path, file: BufferedReader) -> Archive:
    """Return the archive in an open file.

    Raises:
        BvaeError: it is not an archive.
        Exception: it is corrupt.
    """
    head, max_bytes = file.peek(TAR_BLOCK)[:TAR_BLOCK], FREE_BYTES + MAX_RATIO * path.stat().st_size
    if head.startswith(ZIP_MAGIC):
        return Archive(path, list_zip(file), max_bytes)
    for magic, decompress in DECOMPRESSORS.items():
        if head.startswith(magic):
            return Archive(path, list_tar(decompress(file), max_bytes), max_bytes)
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError as error:
        raise BvaeError(
            f"{path} is not a supported archive", "provide a folder, a .zip, a .tar, or a .tar.gz, .tar.bz2 or .tar.xz."
        ) from error
    return Archive(path, list_tar(file, max_bytes), max_bytes)


@contextmanager
def wrap_read_errors(path: Path, name: str = "") -> Iterator[None]:
    """Convert any error raised by a corrupt archive into a BvaeError with its path and the member being read."""
    try:
        yield
    except BvaeError:
        raise
    except Exception as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = f"cannot be read: {' '.join(text.split()) or type(error).__name__}"
        if name:
            raise member_error(path, name, reason) from error
        raise BvaeError(f"{path} {reason}", "check that the file is complete and the right one.") from error


def member_error(path: Path, name: str, fault: str) -> BvaeError:
    """Return the error for an invalid member; its name is quoted, since it may contain control characters."""
    return BvaeError(f"invalid archive {path}: member {name!r} {fault}")


def name_fault(name: str, parts: list[str]) -> str:
    """Return why a name, or its non-empty parts, is unsafe, or an empty string if it is safe."""
    if name.startswith("/") or (parts and parts[0][1:2] == ":"):
        return "has an absolute name"
    if ".." in parts:
        return "has a name that points outside the archive"
    return "has an invalid name" if not parts or INVALID_CHARACTERS.search(name) else ""


def size_fault(size: int, remaining: float) -> str:
    """Return why a file of `size` bytes is too large, given the bytes that remain after it, or an empty string."""
    if not 0 <= size <= MAX_MEMBER_BYTES:
        return f"has a declared size of {size} bytes; the maximum is {MAX_MEMBER_BYTES}"
    return "makes the uncompressed size far larger than the archive" if remaining < 0 else ""


def is_system_file(parts: list[str]) -> bool:
    """Return whether a file, given the parts of its name, was created by macOS or Windows for their own use."""
    return parts[-1] in SYSTEM_FILES or parts[-1].startswith("._") or "__MACOSX" in parts[:-1]
