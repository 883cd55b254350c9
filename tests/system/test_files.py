"""Files that are there whole or not at all."""

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
    print("holds", flush=True)
    late = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < late:
        Path("data/.file.1.part").write_text(str(time.monotonic()))
        time.sleep(0.05)
    Path("data/file").touch()
"""


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_file_is_written_with_the_folders_above_it() -> None:
    write_text(Path("a/b/c.txt"), "β")
    assert Path("a/b/c.txt").read_text(encoding="utf-8") == "β"


def test_what_was_there_stays_until_the_new_is_whole() -> None:
    write_bytes(Path("file"), b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(Path("file")) as temporary:
        temporary.write_bytes(b"ne")
        assert Path("file").read_bytes() == b"old"
        raise ZeroDivisionError
    assert Path("file").read_bytes() == b"old"
    assert names() == ["file"]


def test_a_folder_in_the_way_is_named() -> None:
    Path("file").mkdir()
    with pytest.raises(BvaeError, match="cannot write file"):
        write_bytes(Path("file"), b"new")
    assert names() == ["file"]


def test_a_file_in_place_of_a_folder_is_named() -> None:
    Path("folder").write_text("a file")
    with pytest.raises(BvaeError, match="cannot write folder"):
        write_bytes(Path("folder/file"), b"new")
    with pytest.raises(BvaeError, match="cannot write folder"):
        require_folder(Path("folder"))


def test_a_folder_is_made_and_left_empty() -> None:
    require_folder(Path("a/b"))
    assert list(Path("a/b").iterdir()) == []


@pytest.fixture
def hold(start: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start a process that takes so many seconds to make `data/file`, and is at it."""
    monkeypatch.setattr(files, "STALLED", 0.4)
    monkeypatch.setattr(files, "LOOK", 0.1)

    def held(seconds: float) -> "subprocess.Popen[str]":
        holder = start(sys.executable, "-c", HOLDER, seconds)
        assert holder.stdout
        assert holder.stdout.readline() == "holds\n"
        return holder

    return held


def test_a_process_waits_for_one_that_makes_the_same_and_gets_on(hold: Start) -> None:
    hold(1)
    told: list[str] = []
    with lock_or_wait(Path("data"), "file", told.append):
        assert Path("data/file").exists()
    assert len(told) == 1
    assert "data/file" in told[0]


def test_a_process_that_makes_another_file_waits_for_nobody(hold: Start) -> None:
    hold(60)
    told: list[str] = []
    with lock_or_wait(Path("data"), "other", told.append):
        assert told == []


def test_a_killed_process_is_not_waited_for(hold: Start) -> None:
    threading.Timer(0.3, hold(60).kill).start()
    with lock_or_wait(Path("data"), "file", print):
        assert not Path("data/file").exists()


def test_a_process_that_gets_on_no_longer_is_not_waited_for(hold: Start) -> None:
    holder = hold(60)
    holder.send_signal(signal.SIGSTOP)
    with pytest.raises(BvaeError, match="data/file, and has not got on"), lock_or_wait(Path("data"), "file", print):
        pass
    holder.kill()
    holder.wait()
    with lock_or_wait(Path("data"), "file", print):
        pass


def test_a_lock_that_cannot_be_had_is_said() -> None:
    Path("data/.file.lock").mkdir(parents=True)
    with pytest.raises(BvaeError, match="cannot write data/file"), lock_or_wait(Path("data"), "file", print):
        pass


def test_a_folder_that_is_held_is_waited_for_so_long_and_no_longer() -> None:
    began = time.monotonic()
    with lock_folder(Path("run")):
        wait_until_free(Path("run"), 0.3)
    assert time.monotonic() - began >= 0.3
    wait_until_free(Path("run"), 60)
    wait_until_free(Path("nowhere"), 60)
    assert time.monotonic() - began < 30
