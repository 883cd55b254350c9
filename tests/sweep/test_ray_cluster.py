"""bvae sweep --ray: a Ray of this machine's own, and a cluster of two, with processes and a machine that are killed."""

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
from studies import BASE, GRID, LIMIT, ended, same, wait_for

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.images.in_memory import load_images
from bvae_cli.sweep.study import read_study
from bvae_cli.sweep.worker import WorkerSpec, train_and_score

LONGER = "train.steps=200"
RUNS = [Path("runs/mine", setting, "0") for setting in ("beta=1", "beta=0_4_40_1")]


@pytest.fixture
def study(data: Path) -> list[object]:
    """The arguments of a sweep of two models, each of some seconds."""
    return study_in(Path(), data)


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same without Ray."""
    folder = tmp_path_factory.mktemp("plain")
    with chdir(folder):
        study_in(folder, data)
        for trial in read_study(Path("mine.yaml"), [LONGER]).trials:
            list(
                train_and_score(
                    [trial], {"dsprites": load_images(data, "dsprites")}, WorkerSpec(torch.device("cpu"), 1, data)
                )
            )
    return folder


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two machines, of a core each, the second of which is called `second`."""
    from ray.cluster_utils import Cluster

    machines: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    machines.second = machines.add_node(num_cpus=1)
    yield machines
    machines.shutdown()


def at_work(root: int) -> list[psutil.Process]:
    """Processes of Ray's that make models, below a process."""
    children = psutil.Process(root).children(recursive=True)
    return [child for child in children if child.name().startswith("ray::train_on_cluster")]


def study_in(folder: Path, data: Path) -> list[object]:
    (folder / "mine.yaml").write_text(yaml.safe_dump({"base": BASE, "grid": GRID}))
    return ["sweep", "mine.yaml", "--data", data, "--cpu", "--set", LONGER]


def all_under_way() -> bool:
    return all((run / "last.pt").exists() for run in RUNS)


def as_without_ray(plain: Path) -> bool:
    return all(same(run, plain / run) for run in RUNS)


def test_a_process_that_is_killed_is_replaced(start: Start, study: list[object], plain: Path) -> None:
    process = start(BVAE, *study, "--ray", "--workers", 2)
    wait_for(all_under_way)
    at_work(process.pid)[0].kill()
    children = psutil.Process(process.pid).children(recursive=True)
    assert ended(process) == 0
    assert as_without_ray(plain)
    assert psutil.wait_procs(children, timeout=LIMIT)[1] == []


def test_on_a_cluster_ctrl_c_saves_and_what_a_lost_machine_was_at_is_made_by_another(
    cluster: Any, start: Start, study: list[object], plain: Path
) -> None:
    study += ["--ray-address", cluster.address]
    stopped = start(BVAE, *study)
    wait_for(all_under_way)
    stopped.send_signal(signal.SIGINT)
    said = stopped.communicate(timeout=LIMIT)[1]
    assert stopped.returncode == 130
    assert "Interrupted: stopped; what was under way in runs/mine is saved" in said
    assert all(load_checkpoint(run / "last.pt").training for run in RUNS)
    again = start(BVAE, *study)
    (raylet,) = cluster.second.all_processes["raylet"]
    wait_for(lambda: at_work(raylet.process.pid))
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert ended(again) == 0
    assert as_without_ray(plain)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ray-address", "127.0.0.1:1"], "there is no Ray cluster at 127.0.0.1:1"),
        (["--ray-address", "somewhere"], "somewhere is no address of a cluster"),
        (["--ray-address", "127.0.0.1:1", "--workers", 2], "--workers is for one machine"),
        (["--ray", "--dry-run"], "--dry-run and Ray exclude each other"),
        (["--ray", "--gpu", 0], "--gpu chooses one of this machine's"),
    ],
)
def test_what_means_nothing_is_refused(bvae: Bvae, arguments: list[object], said: str) -> None:
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    refused = bvae("sweep", "mine.yaml", *arguments)
    assert refused.code == 1
    assert said in refused.err
    assert not Path("runs").exists()


def test_where_ray_is_not_installed_it_is_said_how(bvae: Bvae, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    refused = bvae("sweep", "mine.yaml", "--ray", "--cpu")
    assert refused.code == 1
    assert refused.err.splitlines() == ["Error: Ray is not installed", "→ pip install 'bvae[ray]'"]
