"""Atomic writing and locking."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import Start

from bvae_cli.system import files
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import (
    LOCK_NAME,
    atomic_write,
    lock_folder,
    lock_or_wait,
    require_folder,
    wait_until_free,
    write_bytes,
    write_text,
)

HOLDER = """
import sys, time
from pathlib import Path
from bvae_cli.system.files import lock_or_wait
with lock_or_wait(Path("data"), "file", print):
    print("locked", flush=True)
    deadline = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < deadline:
        Path("data/.file.1.bvae-part").write_text(str(time.monotonic()))
        time.sleep(0.05)
    Path("data/file").touch()
"""


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_parent_folders_are_created() -> None:
    write_text(Path("a/b/c.txt"), "β")
    assert Path("a/b/c.txt").read_text(encoding="utf-8") == "β"


def test_the_old_file_remains_until_the_new_one_is_complete() -> None:
    write_bytes(Path("file"), b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(Path("file")) as temporary:
        temporary.write_bytes(b"ne")
        assert Path("file").read_bytes() == b"old"
        raise ZeroDivisionError
    assert Path("file").read_bytes() == b"old"
    assert names() == ["file"]


def test_a_folder_at_the_path_of_a_file_is_an_error() -> None:
    Path("file").mkdir()
    with pytest.raises(BvaeError, match="cannot write file"):
        write_bytes(Path("file"), b"new")
    assert names() == ["file"]


def test_a_file_at_the_path_of_a_folder_is_an_error() -> None:
    Path("folder").write_text("a file")
    with pytest.raises(BvaeError, match="cannot write folder"):
        write_bytes(Path("folder/file"), b"new")
    with pytest.raises(BvaeError, match="cannot write folder"):
        require_folder(Path("folder"))


def test_a_folder_is_created_empty() -> None:
    require_folder(Path("a/b"))
    assert list(Path("a/b").iterdir()) == []


@pytest.fixture
def start_holder(start: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return a function that starts a process which locks `data/file` and creates it after some seconds."""
    monkeypatch.setattr(files, "STALL_SECONDS", 0.4)
    monkeypatch.setattr(files, "POLL_SECONDS", 0.1)

    def start_and_wait(seconds: float) -> "subprocess.Popen[str]":
        holder = start(sys.executable, "-c", HOLDER, seconds)
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        return holder

    return start_and_wait


def test_a_process_waits_for_another_one_that_creates_the_same_file(start_holder: Start) -> None:
    start_holder(1)
    notices: list[str] = []
    with lock_or_wait(Path("data"), "file", notices.append):
        assert Path("data/file").exists()
    assert len(notices) == 1
    assert "data/file" in notices[0]


def test_a_process_that_creates_another_file_does_not_wait(start_holder: Start) -> None:
    start_holder(60)
    notices: list[str] = []
    with lock_or_wait(Path("data"), "other", notices.append):
        assert notices == []


def test_the_lock_of_a_killed_process_is_released(start_holder: Start) -> None:
    threading.Timer(0.3, start_holder(60).kill).start()
    with lock_or_wait(Path("data"), "file", print):
        assert not Path("data/file").exists()


def test_waiting_for_a_process_without_progress_is_an_error(start_holder: Start) -> None:
    holder = start_holder(60)
    holder.send_signal(signal.SIGSTOP)
    stalled = pytest.raises(BvaeError, match="locked data/file and has made no progress")
    with stalled, lock_or_wait(Path("data"), "file", print):
        pass
    holder.kill()
    holder.wait()
    with lock_or_wait(Path("data"), "file", print):
        pass


def test_a_lock_file_that_cannot_be_opened_is_an_error() -> None:
    Path("data/.file.lock").mkdir(parents=True)
    with pytest.raises(BvaeError, match="cannot write data/file"), lock_or_wait(Path("data"), "file", print):
        pass


def test_waiting_for_a_locked_folder_ends_after_the_time_limit() -> None:
    started = time.monotonic()
    with lock_folder(Path("run")):
        wait_until_free(Path("run"), 0.3)
    assert time.monotonic() - started >= 0.3
    wait_until_free(Path("run"), 60)
    wait_until_free(Path("nowhere"), 60)
    assert time.monotonic() - started < 30


def test_only_our_own_temporary_files_are_removed(tmp_path: Path) -> None:
    for name in (".a.txt.7.bvae-part", ".movie.mkv.part", ".a.txt.bvae-part", ".a.txt.7.part", "a.txt.7.bvae-part"):
        (tmp_path / name).write_text("")
    (tmp_path / "target").write_text("")
    (tmp_path / ".link.7.bvae-part").symlink_to("target")
    with lock_folder(tmp_path):
        names = {path.name for path in tmp_path.iterdir()} - {LOCK_NAME}
    kept = {".movie.mkv.part", ".a.txt.bvae-part", ".a.txt.7.part", "a.txt.7.bvae-part", "target", ".link.7.bvae-part"}
    assert names == kept


@pytest.mark.parametrize("name", [".", "/", "folder"])
def test_a_folder_is_not_overwritten(name: str) -> None:
    Path("folder").mkdir()
    with pytest.raises(BvaeError, match="it is a folder"):
        write_text(Path(name), "text")


def test_lone_surrogates_are_written_as_question_marks() -> None:
    write_text(Path("page"), "a\ud800b")
    assert Path("page").read_text() == "a?b"
