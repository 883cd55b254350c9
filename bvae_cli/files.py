"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bvae_cli.errors import BvaeError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; on success its file, synced to the disk, becomes `path`.

    Raises:
        BvaeError: the folder or the file cannot be written, or the disk is full. What was at `path` before is still
            there then, and nothing else is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BvaeError(f"cannot write {path}: {reason}", "free some space, or choose another place.") from error
    finally:
        if temporary.exists():
            temporary.unlink()


def require_folder(folder: Path) -> None:
    """Make a folder where there is none, and make sure that it can be written to; raises what `replacing` does."""
    with replacing(folder / ".writable") as temporary:
        temporary.touch()
    (folder / ".writable").unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file; raises what `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 text file; raises what `replacing` does."""
    write_bytes(path, content.encode())
