"""Shared settings and helpers of the tests of sweeps."""

import csv
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

BASE = {
    "model": {"net": "burgess"},
    "train": {"steps": 60, "batch_size": 8, "log_every": 10},
    "evaluate": {"metrics": ["mig"]},
    "logging": {"checkpoint_every": 20},
}
GRID = {"objective.beta": [1, "0:4,40:1"]}
TIMEOUT = 120  # seconds for any of these tests


def is_same_run(one: Path, other: Path) -> bool:
    """Return whether two runs have bit-identical files."""
    files = ("checkpoint.pt", "history.csv", "latents.csv", "mutual_information.csv")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in files)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column."""
    with path.open() as file:
        return list(csv.DictReader(file))


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true; fails after `TIMEOUT` seconds."""
    for _ in range(TIMEOUT * 20):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"condition not met within {TIMEOUT} s")


def wait_for_exit(process: "subprocess.Popen[str]") -> int:
    """Wait until a sweep has ended, and return its exit status."""
    process.communicate(timeout=TIMEOUT)
    return process.returncode
