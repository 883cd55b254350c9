"""What the tests of sweeps share."""

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
LIMIT = 120  # seconds that no test of these should take


def same(one: Path, other: Path) -> bool:
    files = ("checkpoint.pt", "history.csv", "latents.csv", "mutual_information.csv")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in files)


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def wait_for(there: Callable[[], object]) -> None:
    """Until something is so."""
    for _ in range(LIMIT * 20):
        if there():
            return
        time.sleep(0.05)
    pytest.fail("it never came")


def ended(process: "subprocess.Popen[str]") -> int:
    """How a sweep ends."""
    process.communicate(timeout=LIMIT)
    return process.returncode
