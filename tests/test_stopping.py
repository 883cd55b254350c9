"""Termination of the test run itself."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT

TESTS = """
from pathlib import Path
import numpy as np

def test_that_is_interrupted(bvae):
    slow = np.random.default_rng(0).integers(0, 40, (20_000, 4))
    np.savez("slow.npz", codes=slow, factors=slow)
    Path(r"{folder}", "running").touch()
    bvae("evaluate", "slow.npz", "--metric", "dci")

def test_that_never_runs():
    Path(r"{folder}", "continued").touch()
"""


def test_a_sigterm_during_a_command_ends_the_test_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_inner.py").write_text(TESTS.format(folder=tmp_path))
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-c", "/dev/null", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path) as process:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "running").exists():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            time.sleep(2)  # the metric is then being computed
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) != 0
        finally:
            process.kill()
    assert not (tmp_path / "continued").exists()
