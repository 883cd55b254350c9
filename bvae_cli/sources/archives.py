"""The files in a zip, a tar or a folder: one at a time in memory, and none unpacked to the disk."""

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

from bvae_cli.sources.listings import TAR_BLOCK, ListedFile, list_folder, list_tar, list_zip
from bvae_cli.system.errors import BvaeError

MAX_MEMBER_BYTES = 256 * 2**20  # bytes of a member
FREE, RATIO = 2**30, 100  # all members may have so many bytes, and so many times those of the archive
ZIP = (b"PK\3\4", b"PK\5\6")  # its first bytes, and those of an empty one
COMPRESSED: dict[bytes, Callable[[BufferedReader], BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # in a name; the latter stand for what was no Unicode
SYSTEM_FILES = {".DS_Store", "Thumbs.db"}


@dataclass(frozen=True)
class Member:
    """A file in an archive."""

    name: str  # with forward slashes
    size: int  # bytes, unpacked


class Archive:
    """The files of an archive or a folder, but for hidden ones and what systems leave behind."""

    def __init__(self, path: Path, found: Iterable[ListedFile], allowed: float) -> None:
        """List it; raises BvaeError at the first file that is not fit to be taken, or once all exceed `allowed` bytes.

        Nothing more is then asked of `found`: a bomb is not unpacked to its end.
        """
        self.path = path
        self.members: list[Member] = []  # in the order in which they lie in it; those of a folder by name
        self.contents: dict[str, Callable[[], bytes]] = {}
        for file in found:
            allowed -= file.size
            slashed = file.name.replace("\\", "/")
            parts = [part for part in slashed.split("/") if part not in {"", "."}]
            name = "/".join(parts)
            fault = file.fault or name_fault(slashed, parts) or size_fault(file.size, allowed)
            if fault or name in self.contents:
                raise member_error(path, file.name, fault or "is in it twice")
            if not is_system_file(parts):
                self.members.append(Member(name, file.size))
                self.contents[name] = file.content
        if not self.members:
            raise BvaeError(f"there are no files in {path}")

    def read(self, member: Member) -> bytes:
        """The whole content of a member. All reads are to be made in one thread.

        A compressed tar is unpacked once for reads in the order of `members`, and anew for each that goes back.

        Raises:
            BvaeError: the member is damaged, or larger or smaller than the archive says.
        """
        with wrap_read_errors(self.path, member.name):
            content = self.contents[member.name]()
        if len(content) != member.size:
            raise member_error(self.path, member.name, f"does not hold the {member.size} bytes that it should")
        return content


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """A zip, a tar (plain, or compressed by gzip, bzip2 or xz) or a folder with all that is in it, told by its content.

    Raises:
        BvaeError: it is none of these, damaged, cut short or empty; or one of its files has a name that leads out of
            it, or that another has, is a link or a device, is encrypted, or unpacks to more than is sensible.
    """
    with ExitStack() as stack:
        with wrap_read_errors(path):
            if path.is_dir():
                archive = Archive(path, list_folder(path), math.inf)
            elif path.is_file():
                archive = list_archive(path, stack.enter_context(path.open("rb")))
            else:
                raise BvaeError(f"there is no file or folder {path}")
        yield archive


def list_archive(path: Path, file: BufferedReader) -> Archive:
    """The archive that a file is; raises BvaeError where it is none, and what its listing provokes."""
    head, allowed = file.peek(TAR_BLOCK)[:TAR_BLOCK], FREE + RATIO * path.stat().st_size
    if head.startswith(ZIP):
        return Archive(path, list_zip(file), allowed)
    for magic, decompress in COMPRESSED.items():
        if head.startswith(magic):
            return Archive(path, list_tar(decompress(file), allowed), allowed)
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError as error:
        raise BvaeError(
            f"{path} is no zip and no tar", "a folder, a zip or a tar, plain, .gz, .bz2 or .xz, is read."
        ) from error
    return Archive(path, list_tar(file, allowed), allowed)


@contextmanager
def wrap_read_errors(path: Path, name: str = "") -> Iterator[None]:
    """Turn whatever a damaged archive provokes into a BvaeError that names it, and the member being read."""
    try:
        yield
    except BvaeError:
        raise
    except Exception as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = f"cannot be read: {' '.join(text.split()) or type(error).__name__}"
        if name:
            raise member_error(path, name, reason) from error
        raise BvaeError(f"{path} {reason}", "is it the whole file, and the right one?") from error


def member_error(path: Path, name: str, fault: str) -> BvaeError:
    """What the user is told of a member; its name is quoted, for it may hold what upsets a terminal."""
    return BvaeError(f"{path} cannot be used: {name!r} in it {fault}")


def name_fault(name: str, parts: list[str]) -> str:
    """Why a name, or its parts but for empty ones, are not to be trusted; or nothing."""
    if name.startswith("/") or (parts and parts[0][1:2] == ":"):
        return "has an absolute name"
    if ".." in parts:
        return "has a name that leads out of it"
    return "has a name that no file can have" if not parts or UNWRITABLE.search(name) else ""


def size_fault(size: int, left: float) -> str:
    """Why a file of some bytes, after which so many are allowed yet, is too large; or nothing."""
    if not 0 <= size <= MAX_MEMBER_BYTES:
        return f"is said to have {size} bytes; the most is {MAX_MEMBER_BYTES}"
    return "makes it unpack to far more than its own size" if left < 0 else ""


def is_system_file(parts: list[str]) -> bool:
    """Whether a file, of whose name these are the parts, is what macOS and Windows leave behind."""
    return parts[-1] in SYSTEM_FILES or parts[-1].startswith("._") or "__MACOSX" in parts[:-1]
