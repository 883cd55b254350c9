"""Opening of files that anyone may have written: regular files only, up to a size."""

import os
import stat
from collections.abc import Callable, Iterable
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from bvae_cli.system.errors import BvaeError

FREE_BYTES, MAX_RATIO = 2**30, 100  # limit of decompressed contents: FREE_BYTES + MAX_RATIO × bytes of the file

Container = TypeVar("Container")


def open_regular(path: Path, max_bytes: int) -> BufferedReader:
    """Open a regular file for reading; a pipe or a device, which may never end, is not read.

    Raises:
        OSError: it cannot be opened.
        BvaeError: it is no regular file, or larger than `max_bytes`.
    """
    file = open(path, "rb", opener=open_without_waiting)  # noqa: SIM115 - Path.open has no opener
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes:
        return file
    file.close()
    if not stat.S_ISREG(status.st_mode):
        raise BvaeError(f"cannot read {path}: it is a pipe or a device", "pass a regular file.")
    raise BvaeError(
        f"cannot read {path}: it has {status.st_size:,} bytes, more than the maximum, {max_bytes:,}",
        "check that it is the right file.",
    )


def open_without_waiting(path: str, flags: int) -> int:
    """Return the descriptor of an open file; opening a named pipe does not wait for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file; raises the same errors as `open_regular`."""
    with open_regular(path, max_bytes) as file:
        return file.read(max_bytes)


def read_text(path: Path, max_bytes: int, hint: str) -> str:
    """Return the text of a UTF-8 file; raises BvaeError, with the hint, if it cannot be read."""
    try:
        return read_bytes(path, max_bytes).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise BvaeError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}", hint) from error


def require_bounded(root: Container, contents: Callable[[Container], Iterable[Container]], max_values: int) -> None:
    """Raise ValueError if nested containers have more values than this, shared ones counted at each of their uses.

    Args:
        root: the outermost container.
        contents: returns the values directly in a container, none for a plain value.
        max_values: the limit.
    """
    pending, count = [root], 1
    while pending:
        values = list(contents(pending.pop()))
        count += len(values)
        if count > max_values:
            raise ValueError(f"it unfolds to more than {max_values:,} values")
        pending += values
