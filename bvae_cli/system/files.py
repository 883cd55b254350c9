"""Atomic writing and locking of files and folders."""

import csv
import io
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import NoticeCallback

TEMPORARY_SUFFIX = ".bvae-part"  # of the name of a temporary file, after the process ID
TEMPORARY_NAME = re.compile(rf"\..+\.\d+{re.escape(TEMPORARY_SUFFIX)}")
LOCK_NAME = ".lock"  # name of the lock file in an output folder
STALL_SECONDS = 300  # seconds without progress after which waiting for another process ends
POLL_SECONDS = 1  # seconds between checks of this progress


def remove_temporary_files(folder: Path, name: str = "*") -> None:
    """Remove the temporary files that killed processes left of the file with this name, or of all files of a folder."""
    for temporary in folder.glob(f".{name}.*{TEMPORARY_SUFFIX}"):
        with suppress(FileNotFoundError):  # another process may remove it at the same time
            if TEMPORARY_NAME.fullmatch(temporary.name) and stat.S_ISREG(temporary.lstat().st_mode):
                temporary.unlink()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success its file is synced to disk and renamed to `path`.

    Raises:
        BvaeError: the folder or the file cannot be written, or the disk is full. A previous file at `path` is then
            unchanged, and the temporary file is removed.
    """
    if not path.name or path.is_dir():
        raise BvaeError(f"cannot write {path}: it is a folder", "pass the path of a file.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def require_folder(folder: Path) -> None:
    """Create a folder if it does not exist; raises BvaeError if it cannot be created or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise write_error(folder, error) from error


def write_error(path: Path, error: OSError) -> BvaeError:
    """Return the error for a file or a folder that cannot be written."""
    return BvaeError(
        f"cannot write {path}: {error.strerror or error}",
        "free some disk space, check the permissions, or choose another folder.",
    )


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically; raises the same errors as `atomic_write`."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file atomically; raises the same errors as `atomic_write`."""
    write_bytes(path, content.encode(errors="replace"))  # a name in a foreign file may have lone surrogates


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file atomically; raises the same errors as `atomic_write`."""
    write_text(path, csv_line(header) + "".join(map(csv_line, rows)))


def csv_line(cells: Iterable[object]) -> str:
    """Return a line of CSV, floats with six significant digits."""
    text = io.StringIO()
    texts = [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells]
    csv.writer(text, lineterminator="\n").writerow(texts)
    return text.getvalue()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder for this process, and remove the temporary files that killed processes left in it.

    Raises:
        BvaeError: another process has locked the folder, or it cannot be written.
    """
    require_folder(folder)
    lock = FileLock(folder / LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BvaeError(
            f"another run is writing to {folder}", "wait until it has finished, or choose another folder with --out."
        ) from error
    try:
        remove_temporary_files(folder)
        yield
    finally:
        lock.release()


def wait_until_free(folder: Path, seconds: float) -> None:
    """Wait at most `seconds` until the process that has locked a folder releases it."""
    if folder.is_dir():
        with suppress(Timeout), FileLock(folder / LOCK_NAME, timeout=seconds):
            return


@contextmanager
def lock_or_wait(
    folder: Path, name: str, notify: NoticeCallback, pattern: str = f".*{TEMPORARY_SUFFIX}"
) -> Iterator[None]:
    """Lock the creation of a file in `folder` for this process; if another process has the lock, wait for it.

    The wait lasts as long as files that match `pattern`, in the folder or below it, change. The operating system
    releases the lock of a killed process immediately.

    Raises:
        BvaeError: the other process makes no progress, or the folder cannot be written.
    """
    require_folder(folder)
    lock = FileLock(folder / f".{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        notify(f"another process is creating {folder / name}; waiting for it")
        wait_for_lock(lock, folder, name, pattern)
    except OSError as error:
        raise write_error(folder / name, error) from error
    try:
        yield
    finally:
        lock.release()


def wait_for_lock(lock: FileLock, folder: Path, name: str, pattern: str) -> None:
    """Acquire a lock that another process has; raises the same errors as `lock_or_wait`."""
    previous, changed_at = file_states(folder, pattern), time.monotonic()
    while True:
        try:
            lock.acquire(timeout=POLL_SECONDS)
            return
        except Timeout as error:
            if (current := file_states(folder, pattern)) != previous:
                previous, changed_at = current, time.monotonic()
            elif time.monotonic() - changed_at > STALL_SECONDS:
                raise BvaeError(
                    f"another process has locked {folder / name} and has made no progress for {STALL_SECONDS} s",
                    "stop that process, or choose another folder.",
                ) from error


def file_states(folder: Path, pattern: str) -> set[tuple[Path, int, int]]:
    """Return the files that match, each with its size in bytes and its modification time in nanoseconds."""
    states = set()
    with suppress(OSError):  # a file that disappears between listing and stat is a change, too
        for path in folder.rglob(pattern):
            status = path.stat()
            states.add((path, status.st_size, status.st_mtime_ns))
    return states
