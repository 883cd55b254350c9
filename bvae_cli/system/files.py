"""Files that are there whole or not at all."""

import csv
import io
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import NoticeCallback

LOCK_NAME = ".lock"  # a file that who holds a folder has locked
STALLED = 300  # seconds without a trace of its work, after which another process is no longer waited for
LOOK = 1  # seconds between looks at these traces


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
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
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def require_folder(folder: Path) -> None:
    """Make a folder where there is none; raises BvaeError where it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise write_error(folder, error) from error


def write_error(path: Path, error: OSError) -> BvaeError:
    """What the user is told of a file or a folder that cannot be written."""
    return BvaeError(f"cannot write {path}: {error.strerror or error}", "free some space, or choose another place.")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file; raises what `atomic_write` does."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 text file; raises what `atomic_write` does."""
    write_bytes(path, content.encode())


def write_csv(path: Path, heading: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a whole table; raises what `atomic_write` does."""
    write_text(path, csv_line(heading) + "".join(map(csv_line, rows)))


def csv_line(cells: Iterable[object]) -> str:
    """A line of CSV, numbers to six digits."""
    text = io.StringIO()
    shown = [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells]
    csv.writer(text, lineterminator="\n").writerow(shown)
    return text.getvalue()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone, and clear away what killed ones left half-written in it.

    Raises:
        BvaeError: another process holds it, or it cannot be written.
    """
    require_folder(folder)
    lock = FileLock(folder / LOCK_NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BvaeError(f"another run is writing to {folder}", "wait for its end, or choose another --out.") from error
    try:
        for part in folder.glob(".*.part"):
            part.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def wait_until_free(folder: Path, seconds: float) -> None:
    """Give a process that holds a folder so much time to end."""
    if folder.is_dir():
        with suppress(Timeout), FileLock(folder / LOCK_NAME, timeout=seconds):
            return


@contextmanager
def lock_or_wait(folder: Path, name: str, notify: NoticeCallback, traces: str = ".*.part") -> Iterator[None]:
    """Hold the making of a file in `folder` for this process alone; where another is at it, wait for its end.

    It is waited for as long as files in the folder, or below it, that match `traces` change. The lock of a process
    that is killed is free at once.

    Raises:
        BvaeError: the other gets on no longer, or the folder cannot be written.
    """
    require_folder(folder)
    lock = FileLock(folder / f".{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        notify(f"another process is making {folder / name}; waiting for it")
        wait_for_lock(lock, folder, name, traces)
    except OSError as error:
        raise write_error(folder / name, error) from error
    try:
        yield
    finally:
        lock.release()


def wait_for_lock(lock: FileLock, folder: Path, name: str, traces: str) -> None:
    """Acquire a lock that another process holds; raises what `lock_or_wait` does."""
    seen, since = file_states(folder, traces), time.monotonic()
    while True:
        try:
            lock.acquire(timeout=LOOK)
            return
        except Timeout as error:
            if (now := file_states(folder, traces)) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > STALLED:
                raise BvaeError(
                    f"another process holds {folder / name}, and has not got on for {STALLED} seconds",
                    "end it, or choose another folder.",
                ) from error


def file_states(folder: Path, traces: str) -> set[tuple[Path, int, int]]:
    """The files that match, each with its size and the time of its last change."""
    seen = set()
    with suppress(OSError):  # one is gone as it is looked at, which is a change too
        for path in folder.rglob(traces):
            status = path.stat()
            seen.add((path, status.st_size, status.st_mtime_ns))
    return seen
