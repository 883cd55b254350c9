"""bvae sweep: the real command, its worker processes, and the files it writes."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from conftest import BVAE, Bvae, Start
from studies import BASE, GRID, TIMEOUT, is_same_run, read_csv, wait_for, wait_for_exit

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.report.udr import udr_of_models
from bvae_cli.sweep.study import read_study
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress

STUDY = {"base": BASE, "seeds": 3, "grid": GRID}
FOLDERS = [Path(f"runs/mine/{setting}/{seed}") for setting in ("beta=1", "beta=0_4_40_1") for seed in range(3)]


@pytest.fixture
def study(data: Path) -> list[object]:
    """The arguments of a sweep of two settings with three seeds each."""
    Path("mine.yaml").write_text(yaml.safe_dump(STUDY))
    return ["sweep", "mine.yaml", "--data", data, "--cpu", "--workers", 2]


@pytest.fixture
def one_seed(study: list[object]) -> list[Path]:
    """The run folders of the sweep, limited to one seed."""
    study += ["--seeds", 1]
    return [path for path in FOLDERS if path.name == "0"]


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study, with one of its models also trained by `bvae train` as `single`."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "mine.yaml").write_text(yaml.safe_dump(STUDY))
    (folder / "base.yaml").write_text(yaml.safe_dump(BASE))
    for words in (
        ["sweep", "mine.yaml", "--data", data, "--workers", 2],
        ["train", "--params", "base.yaml", "--beta", "0:4,40:1", "--seed", 2, "--data", data, "--out", "single"],
        ["evaluate", "single/checkpoint.pt", "--params", "base.yaml", "--data", data],
    ):
        subprocess.run([BVAE, *map(str, words), "--cpu"], check=True, cwd=folder, timeout=TIMEOUT)
    return folder


@pytest.fixture
def sweep(start: Start, study: list[object]) -> Start:
    """A function that starts the sweep."""
    return lambda: start(BVAE, *study)


def scores(folder: Path) -> dict[str, float]:
    """Return the scores of a run without the evaluation time."""
    return {key: value for key, value in json.loads((folder / "metrics.json").read_text()).items() if key != "seconds"}


def worker_processes(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return the worker processes of a sweep."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_each_model_equals_a_run_of_train_and_evaluate(finished: Path) -> None:
    folder = finished / "runs/mine/beta=0_4_40_1/2"
    assert is_same_run(folder, finished / "single")
    assert scores(folder) == scores(finished / "single")


def test_tables_contain_the_scores_of_the_models(finished: Path) -> None:
    folder = finished / "runs/mine"
    models = read_csv(folder / "scores.csv")
    assert [model["setting"] for model in models] == ["beta=1"] * 3 + ["beta=0_4_40_1"] * 3
    assert [model["beta"] for model in models][2:4] == ["1", "0:4,40:1"]
    assert {model["steps"] for model in models} == {"60"}
    summary = {(row["setting"], row["score"]): row for row in read_csv(folder / "summary.csv")}
    for setting in ("beta=1", "beta=0_4_40_1"):
        values = [json.loads((folder / setting / str(seed) / "metrics.json").read_text())["mig"] for seed in range(3)]
        row = summary[setting, "mig"]
        assert float(row["mean"]) == pytest.approx(np.mean(values), rel=1e-5)
        assert float(row["std"]) == pytest.approx(np.std(values, ddof=1), rel=1e-5)
        assert (row["n_seeds"], row["best_seed"]) == ("3", str(np.argmax(values)))
        assert summary[setting, "kl"]["best_value"] == ""
    assert (folder / "plots" / "mig.png").stat().st_size > 1000


def test_udr_is_computed_across_the_seeds_of_a_setting(finished: Path, data: Path) -> None:
    folders = [finished / path for path in FOLDERS[:3]]
    expected = udr_of_models([load_checkpoint(folder / "checkpoint.pt") for folder in folders], data, ignore_progress)
    assert [float(model["udr"]) for model in read_csv(finished / "runs/mine/scores.csv")[:3]] == pytest.approx(
        expected, rel=1e-5
    )


def test_finished_models_are_skipped(bvae: Bvae, study: list[object], finished: Path) -> None:
    Path("runs").symlink_to(finished / "runs")
    before = {path: (finished / path / "checkpoint.pt").stat().st_mtime_ns for path in FOLDERS}
    done = bvae(*study)
    assert done.code == 0, done.err
    assert {path: (finished / path / "checkpoint.pt").stat().st_mtime_ns for path in FOLDERS} == before
    dry_run = bvae(*study, "--dry-run")
    assert "6 models in runs/mine" in dry_run.out
    assert "0–2" in dry_run.out


@pytest.mark.parametrize(
    ("override", "is_finished"),
    [
        ("evaluate.metrics=[mig]", True),
        ("evaluate.metrics=[mig, sap]", False),
        ("evaluate.metrics=[]", False),
        ("evaluate.factors=[shape, posX]", False),
        ("evaluate.seed=1", False),
        ("evaluate.repeats=2", False),
        ("train.steps=80", False),
    ],
)
def test_scores_of_other_settings_or_of_fewer_steps_are_not_taken_for_finished(
    study: list[object], finished: Path, override: str, is_finished: bool
) -> None:
    Path("runs").symlink_to(finished / "runs")
    assert read_study(Path("mine.yaml"), [override]).trials[0].is_finished() == is_finished


def test_scores_of_another_checkpoint_or_other_data_are_not_taken_for_finished(
    study: list[object], finished: Path
) -> None:
    shutil.copytree(finished / "runs", "runs")
    trial, other = read_study(Path("mine.yaml")).trials[:2]
    data = load_checkpoint(trial.folder / "checkpoint.pt").spec
    assert trial.is_finished(data)
    with pytest.raises(BvaeError, match="was trained on other data"):
        trial.is_finished(replace(data, sha256="0" * 64))
    shutil.copy(other.folder / "metrics.json", trial.folder / "metrics.json")
    assert not trial.is_finished(data)


def test_sweep_killed_at_any_time_ends_its_workers_and_resumes_bit_identically(
    sweep: Start, one_seed: list[Path], finished: Path
) -> None:
    rng = random.Random(time.time_ns())
    process = sweep()
    wait_for(lambda: list(Path("runs").glob("mine/*/*/last.pt")))
    time.sleep(rng.uniform(0, 1.5))
    workers = worker_processes(process)
    process.send_signal(signal.SIGKILL)
    process.wait(TIMEOUT)
    assert psutil.wait_procs(workers, timeout=TIMEOUT)[1] == []
    assert wait_for_exit(sweep()) == 0
    assert all(is_same_run(path, finished / path) for path in one_seed)


def test_ctrl_c_saves_running_models(sweep: Start, one_seed: list[Path]) -> None:
    process = sweep()
    wait_for(lambda: len(worker_processes(process)) == len(one_seed))
    for worker in worker_processes(process):
        worker.send_signal(signal.SIGINT)  # ignored, even by workers that are starting: the parent handles Ctrl-C
    wait_for(lambda: list(Path("runs").glob("mine/*/*/last.pt")))
    workers = worker_processes(process)
    for pid in [*(worker.pid for worker in workers), process.pid]:  # a terminal sends it to the process group
        os.kill(pid, signal.SIGINT)
    error = process.communicate(timeout=TIMEOUT)[1]
    assert process.returncode == 130
    assert "Interrupted: stopped; running models are saved in runs/mine" in error
    assert not any(worker.is_running() for worker in workers)
    assert all(load_checkpoint(file).training for file in Path("runs").glob("mine/*/*/last.pt"))


def test_killed_worker_fails_only_its_model(sweep: Start, one_seed: list[Path], finished: Path) -> None:
    process = sweep()
    wait_for(lambda: list(Path("runs").glob("mine/*/*/last.pt")))
    worker_processes(process)[0].kill()
    error = process.communicate(timeout=TIMEOUT)[1]
    assert process.returncode == 1
    assert "1 of 2 models are not finished; the first, " in error
    assert "its process was killed by signal 9 (possibly out of memory)" in error
    (failed,) = [model for model in read_csv(Path("runs/mine/scores.csv")) if model["failure"]]
    lost = Path("runs/mine", failed["setting"], failed["seed"])
    assert all(is_same_run(path, finished / path) for path in one_seed if path != lost)
    assert wait_for_exit(sweep()) == 0
    assert is_same_run(lost, finished / lost)


def test_jointly_trained_models_are_equal_up_to_rounding(
    bvae: Bvae, study: list[object], one_seed: list[Path], finished: Path
) -> None:
    done = bvae(*study, "--models-per-batch", len(one_seed))
    assert done.code == 0, done.err
    for path in one_seed:
        batched, single = (read_csv(folder / path / "history.csv") for folder in (Path(), finished))
        assert [row["step"] for row in batched] == [row["step"] for row in single]
        for one, other in zip(batched, single, strict=True):
            assert float(one["reconstruction_loss"]) == pytest.approx(float(other["reconstruction_loss"]), rel=1e-3)


def test_failed_model_is_reported_and_the_others_are_trained(bvae: Bvae, data: Path) -> None:
    grid = {"train.learning_rate": [0.001, 1e30]}
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE, "grid": grid}))
    done = bvae("sweep", "mine.yaml", "--data", data, "--cpu", "--workers", 1)
    assert done.code == 1
    assert "1 of 2 models are not finished; the first, learning_rate=1e_30/0, failed: the loss is" in done.err.replace(
        "1e+30", "1e_30"
    )
    assert [bool(model["failure"]) for model in read_csv(Path("runs/mine/scores.csv"))] == [False, True]
    assert Path("runs/mine/learning_rate=0.001/0/metrics.json").exists()


def test_folder_of_another_experiment_is_not_changed(bvae: Bvae, data: Path, checkpoint: Path) -> None:
    Path("runs/mine/base/0").mkdir(parents=True)
    Path("runs/mine/base/0/checkpoint.pt").write_bytes(checkpoint.read_bytes())
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    done = bvae("sweep", "mine.yaml", "--data", data, "--cpu")
    assert done.code == 1
    assert "was trained with" in done.err
    dry_run = bvae("sweep", "mine.yaml", "--data", data, "--cpu", "--dry-run").out
    assert [cell.strip() for cell in dry_run.split("│") if cell.strip()][-5:-1] == ["0", "0", "1", "0"]
    assert Path("runs/mine/base/0/checkpoint.pt").read_bytes() == checkpoint.read_bytes()


def test_missing_data_file_is_reported(bvae: Bvae) -> None:
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    done = bvae("sweep", "mine.yaml", "--cpu")
    assert done.code == 1
    assert "data file not found: data/dsprites.h5" in done.err
