"""What ends the tests themselves."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT

TESTS = """
from pathlib import Path
import numpy as np

def test_that_is_stopped(bvae):
    slow = np.random.default_rng(0).integers(0, 40, (20_000, 4))
    np.savez("slow.npz", codes=slow, factors=slow)
    Path(r"{folder}", "running").touch()
    bvae("evaluate", "slow.npz", "--metric", "dci")

def test_that_never_runs():
    Path(r"{folder}", "went on").touch()
"""


def test_a_sigterm_that_a_command_catches_ends_the_tests_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_inner.py").write_text(TESTS.format(folder=tmp_path))
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-c", "/dev/null", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path) as tests:
        try:
            late = time.monotonic() + 60
            while not (tmp_path / "running").exists():
                assert time.monotonic() < late
                time.sleep(0.1)
            time.sleep(2)  # it scores by then
            tests.send_signal(signal.SIGTERM)
            assert tests.wait(30) != 0
        finally:
            tests.kill()
    assert not (tmp_path / "went on").exists()
