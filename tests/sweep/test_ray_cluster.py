"""bvae sweep --ray: local Ray, and a cluster of two machines, with killed processes and a lost machine."""

import signal
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import yaml
from conftest import BVAE, Bvae, Start
from studies import BASE, GRID, TIMEOUT, is_same_run, wait_for, wait_for_exit

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.images.in_memory import load_images
from bvae_cli.sweep.study import read_study
from bvae_cli.sweep.worker import WorkerSpec, train_and_score

MORE_STEPS = "train.steps=200"
RUNS = [Path("runs/mine", setting, "0") for setting in ("beta=1", "beta=0_4_40_1")]


@pytest.fixture
def study(data: Path) -> list[object]:
    """The arguments of a sweep of two models that train for a few seconds each."""
    return write_study(Path(), data)


@pytest.fixture(scope="module")
def without_ray(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same study, trained without Ray."""
    folder = tmp_path_factory.mktemp("without_ray")
    with chdir(folder):
        write_study(folder, data)
        for trial in read_study(Path("mine.yaml"), [MORE_STEPS]).trials:
            list(
                train_and_score(
                    [trial], {"dsprites": load_images(data, "dsprites")}, WorkerSpec(torch.device("cpu"), 1, data)
                )
            )
    return folder


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two machines with one CPU core each; the second one is the attribute `second`."""
    from ray.cluster_utils import Cluster

    machines: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    machines.second = machines.add_node(num_cpus=1)
    yield machines
    machines.shutdown()


def training_processes(root: int) -> list[psutil.Process]:
    """Return the descendants of a process that train models for Ray."""
    children = psutil.Process(root).children(recursive=True)
    return [child for child in children if child.name().startswith("ray::train_on_cluster")]


def write_study(folder: Path, data: Path) -> list[object]:
    (folder / "mine.yaml").write_text(yaml.safe_dump({"base": BASE, "grid": GRID}))
    return ["sweep", "mine.yaml", "--data", data, "--cpu", "--set", MORE_STEPS]


def all_have_started() -> bool:
    return all(any((run / name).exists() for name in ("last.pt", "checkpoint.pt")) for run in RUNS)


def results_are_equal(without_ray: Path) -> bool:
    return all(is_same_run(run, without_ray / run) for run in RUNS)


def test_killed_process_is_replaced(start: Start, study: list[object], without_ray: Path) -> None:
    process = start(BVAE, *study, "--ray", "--workers", 2)
    wait_for(all_have_started)
    training_processes(process.pid)[0].kill()
    children = psutil.Process(process.pid).children(recursive=True)
    assert wait_for_exit(process) == 0
    assert results_are_equal(without_ray)
    assert psutil.wait_procs(children, timeout=TIMEOUT)[1] == []


def test_on_a_cluster_ctrl_c_saves_models_and_models_of_a_lost_machine_are_resumed(
    cluster: Any, start: Start, study: list[object], without_ray: Path
) -> None:
    study += ["--ray-address", cluster.address]
    interrupted = start(BVAE, *study)
    wait_for(all_have_started)
    interrupted.send_signal(signal.SIGINT)
    error = interrupted.communicate(timeout=TIMEOUT)[1]
    assert interrupted.returncode == 130
    assert "Interrupted: stopped; running models are saved in runs/mine" in error
    for run in RUNS:  # one may have finished
        assert load_checkpoint(
            next(path for path in (run / "last.pt", run / "checkpoint.pt") if path.exists())
        ).training
    resumed = start(BVAE, *study)
    (raylet,) = cluster.second.all_processes["raylet"]
    wait_for(lambda: training_processes(raylet.process.pid))
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert wait_for_exit(resumed) == 0
    assert results_are_equal(without_ray)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--ray-address", "127.0.0.1:1"], "Ray cluster not found at 127.0.0.1:1"),
        (["--ray-address", "somewhere"], "invalid address of a Ray cluster: somewhere"),
        (["--ray-address", "127.0.0.1:1", "--workers", 2], "--workers is unsupported with --ray-address"),
        (["--ray", "--dry-run"], "--dry-run and Ray are mutually exclusive"),
        (["--ray", "--gpu", 0], "--gpu is unsupported with Ray"),
    ],
)
def test_invalid_options_are_refused(bvae: Bvae, arguments: list[object], expected: str) -> None:
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    result = bvae("sweep", "mine.yaml", *arguments)
    assert result.code == 1
    assert expected in result.err
    assert not Path("runs").exists()


def test_missing_ray_is_reported_with_install_command(bvae: Bvae, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    result = bvae("sweep", "mine.yaml", "--ray", "--cpu")
    assert result.code == 1
    assert result.err.splitlines() == ["Error: Ray is not installed", "Fix: pip install 'bvae[ray]'"]
