"""What tests share: a small part of dSprites, a model trained on it, and the real command line."""

import os
import shutil
import signal
import subprocess
import sys
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

# Of two threads on two busy cores one waits for the other, ten times as long as both compute.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

ROOT = Path(__file__).parent.parent
BVAE = str(Path(sys.executable).parent / "bvae")
VALUES = ([0, 1, 2], [0, 5], [0, 10, 20, 30], list(range(0, 32, 4)), list(range(0, 32, 4)))


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Bvae = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]


class Bomb:
    """An object that ends the test when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.exit, ("a pickle was executed",)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in a folder of its own, where no params.yaml lies."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bvae(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bvae:
    """The command line, from its entry point to its exit code."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main's own ends with the test
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["bvae", *(str(argument) for argument in arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            signal.signal(signal.SIGTERM, before)
        if code == 128 + signal.SIGTERM:
            pytest.exit("SIGTERM", code)  # it was meant for all tests
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program as a shell would, where Ctrl-C is not ignored; what still runs at the end is killed."""
    started = []

    def program(*words: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c,  # noqa: PLW1509
        )
        started.append(process)
        return process

    yield program
    for process in started:
        process.kill()
        process.communicate()


def hear_ctrl_c() -> None:
    """In a process about to start: heed Ctrl-C, as what a shell starts in the background does not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def scaled(net: str, channels: int, factor: float, latent_dim: int = 5) -> Checkpoint:
    """A model with larger weights than new ones have, so that a picture is felt in what it gives."""
    params = config.build_params({"model": {"net": net, "latent_dim": latent_dim}})
    spec = DataSpec("dsprites", channels, "bernoulli", {})
    vae = build_vae(params, spec).eval()
    vae.load_state_dict({name: factor * weight for name, weight in vae.state_dict().items()})
    return Checkpoint(
        0, params, spec, vae, [], torch.empty(0, channels, 64, 64, dtype=torch.uint8), imported_from="a test's"
    )


@pytest.fixture(scope="session")
def all_sprites() -> NDArray[np.uint8]:
    """(3, 6, 40, 32, 32, 512): every picture, packed."""
    return np.concatenate(list(render_sprites())).reshape(3, 6, 40, 32, 32, -1)


@pytest.fixture(scope="session")
def small_arrays(all_sprites: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """A part of dSprites, 1,536 pictures, as the arrays of the published npz."""
    pictures = np.unpackbits(all_sprites[np.ix_(*VALUES)].reshape(-1, 512), axis=1).reshape(-1, 64, 64)
    classes = np.stack(np.meshgrid([0], *VALUES, indexing="ij"), axis=-1).reshape(-1, 6)
    return {"imgs": pictures, "latents_classes": classes}


@pytest.fixture(scope="session")
def small_npz(small_arrays: dict[str, NDArray[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("npz") / "small.npz"
    np.savez_compressed(path, allow_pickle=False, **small_arrays)
    return path


@pytest.fixture(scope="session")
def data(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small part of dSprites as a data file."""
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([BVAE, "download", "dsprites", "--from", small_npz, "--data", folder], check=True, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained for a few steps, long enough to use some latents."""
    folder = tmp_path_factory.mktemp("run")
    settings = [
        "--net",
        "higgins_conv",
        "--steps",
        "200",
        "--batch-size",
        "32",
        "--learning-rate",
        "0.002",
        "--beta",
        "0.1",
        "--precision",
        "bfloat16",
    ]
    subprocess.run([BVAE, "train", "--cpu", "--data", data, "--out", folder, *settings], check=True, cwd=folder)
    return folder / "checkpoint.pt"


@pytest.fixture(scope="session")
def evaluated(checkpoint: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with all that `train` and `evaluate` leave."""
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
    """The same, to be changed."""
    return Path(shutil.copytree(evaluated, "run"))


@pytest.fixture
def changed(checkpoint: Path) -> Callable[..., Path]:
    """A run that holds nothing but the checkpoint, with some of its parts in place of its own."""

    def change(folder: str, **parts: object) -> Path:
        save_checkpoint(replace(load_checkpoint(checkpoint), **parts), Path(folder) / "checkpoint.pt")  # type: ignore[arg-type]
        return Path(folder)

    return change
