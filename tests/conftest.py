"""Shared fixtures: a small subset of dSprites, a model trained on it, and the command line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bvae_cli import config
from bvae_cli.__main__ import main
from bvae_cli.checkpoint import Checkpoint, build_vae, load_checkpoint, save_checkpoint
from bvae_cli.datasets.dsprites_rendering import render_sprites
from bvae_cli.evaluation.evaluator import evaluate
from bvae_cli.images.in_memory import load_images
from bvae_cli.images.spec import DataSpec
from bvae_cli.params import EvaluateParams
from bvae_cli.system.reporting import ignore_progress

# With two threads on two busy cores, each waits for the other ten times longer than it computes.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

ROOT = Path(__file__).parent.parent
BVAE = str(Path(sys.executable).parent / "bvae")
FACTOR_VALUES = ([0, 1, 2], [0, 5], [0, 10, 20, 30], [0, 8, 16, 24], [0, 8, 16, 24])


@dataclass(frozen=True)
class Result:
    """Exit status and output of a command."""

    code: int
    out: str
    err: str


Bvae = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]


class Bomb:
    """An object that aborts the tests when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.exit, ("a pickle was executed",)


SLOW_FILES = {
    "test_onnx_export.py", "test_pipelines.py", "test_ranks.py", "test_ray_cluster.py", "test_readme.py",
    "test_resume.py", "test_sweep.py",
}  # fmt: skip


SECONDS = float(os.environ.get("BVAE_TEST_SECONDS", "inf"))  # after which no further test is started
STARTED = time.monotonic()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Skip a test that would start after the time limit, if there is one: slow machines run as many as they can."""
    if time.monotonic() - STARTED > SECONDS:
        pytest.skip(f"not started within BVAE_TEST_SECONDS={SECONDS:g}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of files that start many processes as slow."""
    for item in items:
        if item.path.name in SLOW_FILES:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def use_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in an empty folder, without a params.yaml."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bvae(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bvae:
    """Return a function that runs the command line in this process, from its entry point to its exit status."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main replaces it; restored after the test
        handler = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["bvae", *(str(argument) for argument in arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            signal.signal(signal.SIGTERM, handler)
        if code == 128 + signal.SIGTERM:
            pytest.exit("SIGTERM", code)  # the signal was sent to the test process
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a process which handles Ctrl-C; running processes are killed after the test."""
    processes = []

    def start_process(*arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=enable_ctrl_c,  # noqa: PLW1509
        )
        processes.append(process)
        return process

    yield start_process
    for process in processes:
        process.kill()
        process.communicate()


def enable_ctrl_c() -> None:
    """Restore the SIGINT handler in a child process: shells make background processes ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def scaled_model(net: str, channels: int, factor: float, latent_dim: int = 5) -> Checkpoint:
    """Return a model with initial weights multiplied by a factor, so that outputs depend visibly on the inputs."""
    params = config.build_params({"model": {"net": net, "latent_dim": latent_dim}})
    spec = DataSpec("dsprites", channels, "bernoulli", {})
    vae = build_vae(params, spec).eval()
    vae.load_state_dict({name: factor * weight for name, weight in vae.state_dict().items()})
    return Checkpoint(
        0, params, spec, vae, [], torch.empty(0, channels, 64, 64, dtype=torch.uint8), imported_from="a test"
    )


@pytest.fixture(scope="session")
def all_sprites() -> NDArray[np.uint8]:
    """Return all images, bit-packed, (3, 6, 40, 32, 32, 512)."""
    return np.concatenate(list(render_sprites())).reshape(3, 6, 40, 32, 32, -1)


@pytest.fixture(scope="session")
def small_arrays(all_sprites: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Return a subset of dSprites, 384 images, as the arrays of the published NPZ file."""
    images = np.unpackbits(all_sprites[np.ix_(*FACTOR_VALUES)].reshape(-1, 512), axis=1).reshape(-1, 64, 64)
    classes = np.stack(np.meshgrid([0], *FACTOR_VALUES, indexing="ij"), axis=-1).reshape(-1, 6)
    return {"imgs": images, "latents_classes": classes}


@pytest.fixture(scope="session")
def small_npz(small_arrays: dict[str, NDArray[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of an NPZ file with the subset of dSprites."""
    path = tmp_path_factory.mktemp("npz") / "small.npz"
    np.savez_compressed(path, allow_pickle=False, **small_arrays)
    return path


@pytest.fixture(scope="session")
def data(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data file of the subset of dSprites."""
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([BVAE, "download", "dsprites", "--from", small_npz, "--data", folder], check=True, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a model trained for 200 steps, enough for some active latents."""
    folder = tmp_path_factory.mktemp("run")
    settings = [
        "--net",
        "higgins_conv",
        "--steps",
        "200",
        "--batch-size",
        "32",
        "--learning-rate",
        "0.001",
        "--beta",
        "0.1",
        "--init",
        "kaiming_normal",
        "--precision",
        "bfloat16",
    ]
    subprocess.run([BVAE, "train", "--cpu", "--data", data, "--out", folder, *settings], check=True, cwd=folder)
    return folder / "checkpoint.pt"


@pytest.fixture(scope="session")
def evaluated(checkpoint: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run folder with all files of `train` and `evaluate`."""
    folder = tmp_path_factory.mktemp("evaluated")
    for name in ("checkpoint.pt", "history.csv"):
        shutil.copy(checkpoint.parent / name, folder)
    settings = EvaluateParams(metrics=("mig", "modularity"))
    evaluate(
        load_checkpoint(checkpoint),
        load_images(data, "dsprites"),
        settings,
        torch.device("cpu"),
        folder,
        ignore_progress,
    )
    return folder


@pytest.fixture
def run(evaluated: Path) -> Path:
    """Return a copy of the evaluated run that the test may modify."""
    return Path(shutil.copytree(evaluated, "run"))


@pytest.fixture
def changed(checkpoint: Path) -> Callable[..., Path]:
    """Return a function that writes a run folder with only a checkpoint, some fields of which are replaced."""

    def write_changed(folder: str, **fields: object) -> Path:
        save_checkpoint(replace(load_checkpoint(checkpoint), **fields), Path(folder) / "checkpoint.pt")  # type: ignore[arg-type]
        return Path(folder)

    return write_changed
