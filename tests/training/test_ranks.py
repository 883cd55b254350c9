"""One model trained in several processes started by torchrun."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import distributed_training
import psutil
import pytest
import torch
from conftest import Bvae, Start
from distributed_training import params

from bvae_cli import config
from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.images.in_memory import load_images
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.ranks import Ranks
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit, require_divisible

OBJECTIVES = ["beta_vae", "beta_tcvae", "factor_vae", "dip_vae_i"]  # of which all but the first compare images
SEVERAL = Path(distributed_training.__file__)
LIMIT = 120  # seconds that no test of these should take


@pytest.fixture
def torchrun(start: Start) -> Start:
    """Start two processes of a program."""
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    return lambda *program: start(*words, *program)


@pytest.fixture
def options(data: Path) -> list[object]:
    """Return the options of a small run."""
    return ["--data", data, "--cpu", "--net", "higgins_conv", "--batch-size", 8, "--log-every", 5, "--out", "run"]


def curves(folder: Path | str) -> list[list[float]]:
    with Path(folder, "history.csv").open() as file:
        return [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]


def ranks_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return the training processes."""
    return [child for child in psutil.Process(process.pid).children() if "train" in child.cmdline()]


def saved(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return the training processes once there is a checkpoint to resume from."""
    until = time.monotonic() + LIMIT
    while not Path("run/last.pt").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    return ranks_of(process)


def test_the_losses_equal_those_of_one_process(torchrun: Start, data: Path) -> None:
    process = torchrun(SEVERAL, data, *OBJECTIVES)
    said = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, said
    for objective in OBJECTIVES:
        alone = Path("alone", objective)
        list(fit(params(objective), load_images(data, "dsprites"), torch.device("cpu"), alone, ignore_progress))
        for ours, theirs in zip(curves(objective), curves(alone), strict=True):
            assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)  # sums in another order, and six digits


def test_a_run_resumes_with_another_number_of_processes(bvae: Bvae, torchrun: Start, options: list[object]) -> None:
    assert bvae("train", *options, "--steps", 10).code == 0
    process = torchrun("-m", "bvae_cli", "train", *options, "--steps", 20, "--resume")
    said = process.communicate(timeout=LIMIT)[1]
    assert said.count("run/checkpoint.pt is ready") == 1  # one speaks for both
    assert "Warning" not in said
    assert bvae("train", *options, "--steps", 30, "--resume").code == 0
    assert bvae("train", *options, "--steps", 30, "--out", "whole").code == 0
    for ours, theirs in zip(curves("run"), curves("whole"), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-2, abs=1e-3)


def test_ctrl_c_saves_the_run_and_ends_all_processes(torchrun: Start, options: list[object]) -> None:
    process = torchrun("-m", "bvae_cli", "train", *options, "--steps", 1_000_000, "--checkpoint-every", 5)
    ranks = saved(process)
    assert len(ranks) == 2
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=LIMIT)[1]
    assert process.returncode != 0
    step = load_checkpoint(Path("run/last.pt")).step
    assert said.count(f"Interrupted: stopped at step {step}; it is saved in run/last.pt") == 1
    assert not any(rank.is_running() for rank in ranks)


def test_if_one_process_is_killed_the_others_end(torchrun: Start, options: list[object]) -> None:
    process = torchrun("-m", "bvae_cli", "train", *options, "--steps", 1_000_000, "--checkpoint-every", 5)
    ranks = saved(process)
    ranks[1].kill()
    process.communicate(timeout=LIMIT)
    assert process.returncode != 0
    assert psutil.wait_procs(ranks, timeout=LIMIT)[1] == []
    load_checkpoint(Path("run/last.pt"))


def test_a_batch_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(BvaeError, match="batch_size is 64, which is not a multiple of the 3 processes") as caught:
        require_divisible(config.build_params({}), Ranks(0, 3))
    assert caught.value.hint == "use --batch-size 63"
    with pytest.raises(BvaeError, match="forward pass of DCIGN needs the whole batch"):
        require_divisible(config.build_params({"objective": {"name": "dc_ign"}}), Ranks(0, 2))
    require_divisible(config.build_params({"objective": {"name": "dc_ign"}}), Ranks())
