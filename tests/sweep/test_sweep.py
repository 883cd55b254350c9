"""bvae sweep: the real command, its processes, and what it leaves."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from conftest import BVAE, Bvae, Start
from studies import BASE, GRID, LIMIT, ended, same, table, wait_for

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.report.udr import udr_of_models
from bvae_cli.sweep.study import read_study
from bvae_cli.system.reporting import ignore_progress

STUDY = {"base": BASE, "seeds": 3, "grid": GRID}
FOLDERS = [Path(f"runs/mine/{setting}/{seed}") for setting in ("beta=1", "beta=0_4_40_1") for seed in range(3)]


@pytest.fixture
def study(data: Path) -> list[object]:
    """The arguments of a sweep of two settings by three seeds."""
    Path("mine.yaml").write_text(yaml.safe_dump(STUDY))
    return ["sweep", "mine.yaml", "--data", data, "--cpu", "--workers", 2]


@pytest.fixture
def some(study: list[object]) -> list[Path]:
    """The folders of a sweep of one seed."""
    study += ["--seeds", 1]
    return [path for path in FOLDERS if path.name == "0"]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that nobody stopped, and whose first model was typed by hand as `typed`."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "mine.yaml").write_text(yaml.safe_dump(STUDY))
    (folder / "base.yaml").write_text(yaml.safe_dump(BASE))
    for words in (
        ["sweep", "mine.yaml", "--data", data, "--workers", 2],
        ["train", "--params", "base.yaml", "--beta", "0:4,40:1", "--seed", 2, "--data", data, "--out", "typed"],
        ["evaluate", "typed/checkpoint.pt", "--params", "base.yaml", "--data", data],
    ):
        subprocess.run([BVAE, *map(str, words), "--cpu"], check=True, cwd=folder, timeout=LIMIT)
    return folder


@pytest.fixture
def sweep(start: Start, study: list[object]) -> Start:
    """Starts the sweep."""
    return lambda: start(BVAE, *study)


def scores(folder: Path) -> dict[str, float]:
    """Without the seconds that they took."""
    return {key: value for key, value in json.loads((folder / "metrics.json").read_text()).items() if key != "seconds"}


def workers_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The processes of a sweep that train."""
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_each_model_is_a_run_as_typed_by_hand(whole: Path) -> None:
    folder = whole / "runs/mine/beta=0_4_40_1/2"
    assert same(folder, whole / "typed")
    assert scores(folder) == scores(whole / "typed")


def test_the_table_is_that_of_the_models(whole: Path) -> None:
    folder = whole / "runs/mine"
    models = table(folder / "scores.csv")
    assert [model["setting"] for model in models] == ["beta=1"] * 3 + ["beta=0_4_40_1"] * 3
    assert [model["beta"] for model in models][2:4] == ["1", "0:4,40:1"]
    assert {model["steps"] for model in models} == {"60"}
    told = {(line["setting"], line["score"]): line for line in table(folder / "summary.csv")}
    for setting in ("beta=1", "beta=0_4_40_1"):
        values = [json.loads((folder / setting / str(seed) / "metrics.json").read_text())["mig"] for seed in range(3)]
        line = told[setting, "mig"]
        assert float(line["mean"]) == pytest.approx(np.mean(values), rel=1e-5)
        assert float(line["std"]) == pytest.approx(np.std(values, ddof=1), rel=1e-5)
        assert (line["n_seeds"], line["best_seed"]) == ("3", str(np.argmax(values)))
        assert told[setting, "kl"]["best_value"] == ""
    assert (folder / "plots" / "mig.png").stat().st_size > 1000


def test_udr_is_that_of_the_seeds_of_a_setting(whole: Path, data: Path) -> None:
    folders = [whole / path for path in FOLDERS[:3]]
    expected = udr_of_models([load_checkpoint(folder / "checkpoint.pt") for folder in folders], data, ignore_progress)
    assert [float(model["udr"]) for model in table(whole / "runs/mine/scores.csv")[:3]] == pytest.approx(
        expected, rel=1e-5
    )


def test_what_is_finished_is_left_as_it_is(bvae: Bvae, study: list[object], whole: Path) -> None:
    Path("runs").symlink_to(whole / "runs")
    before = {path: (whole / path / "checkpoint.pt").stat().st_mtime_ns for path in FOLDERS}
    done = bvae(*study)
    assert done.code == 0, done.err
    assert {path: (whole / path / "checkpoint.pt").stat().st_mtime_ns for path in FOLDERS} == before
    listed = bvae(*study, "--dry-run")
    assert "6 models in runs/mine" in listed.out
    assert "0–2" in listed.out


def test_a_model_without_a_score_that_is_asked_for_is_not_finished(study: list[object], whole: Path) -> None:
    Path("runs").symlink_to(whole / "runs")
    for metrics, finished in (["mig"], True), (["mig", "sap"], False), ([], False):
        trial = read_study(Path("mine.yaml"), [f"evaluate.metrics=[{','.join(metrics)}]"]).trials[0]
        assert trial.is_finished() == finished


def test_killed_at_any_moment_its_processes_end_and_it_goes_on_to_the_same_bytes(
    sweep: Start, some: list[Path], whole: Path
) -> None:
    chance = random.Random(time.time_ns())
    process = sweep()
    wait_for(lambda: list(Path("runs").glob("mine/*/*/last.pt")))
    time.sleep(chance.uniform(0, 1.5))
    workers = workers_of(process)
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    assert psutil.wait_procs(workers, timeout=LIMIT)[1] == []
    assert ended(sweep()) == 0
    assert all(same(path, whole / path) for path in some)


def test_ctrl_c_saves_what_is_under_way(sweep: Start, some: list[Path]) -> None:
    process = sweep()
    wait_for(lambda: len(workers_of(process)) == len(some))
    for worker in workers_of(process):
        worker.send_signal(signal.SIGINT)  # which the parent obeys for all, of those that just start, too
    wait_for(lambda: list(Path("runs").glob("mine/*/*/last.pt")))
    workers = workers_of(process)
    for number in [*(worker.pid for worker in workers), process.pid]:  # as a terminal does
        os.kill(number, signal.SIGINT)
    said = process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 130
    assert "Interrupted: stopped; what was under way in runs/mine is saved" in said
    assert not any(worker.is_running() for worker in workers)
    assert all(load_checkpoint(file).training for file in Path("runs").glob("mine/*/*/last.pt"))


def test_a_process_that_is_killed_fails_its_model_alone(sweep: Start, some: list[Path], whole: Path) -> None:
    process = sweep()
    wait_for(lambda: list(Path("runs").glob("mine/*/*/last.pt")))
    workers_of(process)[0].kill()
    said = process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 1
    assert "1 of 2 models failed" in said
    assert "its process was ended by signal 9" in said
    (failed,) = [model for model in table(Path("runs/mine/scores.csv")) if model["failure"]]
    lost = Path("runs/mine", failed["setting"], failed["seed"])
    assert all(same(path, whole / path) for path in some if path != lost)
    assert ended(sweep()) == 0
    assert same(lost, whole / lost)


def test_models_in_one_step_are_the_same_but_for_rounding(
    bvae: Bvae, study: list[object], some: list[Path], whole: Path
) -> None:
    done = bvae(*study, "--models-per-batch", len(some))
    assert done.code == 0, done.err
    for path in some:
        ours, theirs = (table(folder / path / "history.csv") for folder in (Path(), whole))
        assert [line["step"] for line in ours] == [line["step"] for line in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert float(one["reconstruction_loss"]) == pytest.approx(float(other["reconstruction_loss"]), rel=1e-3)


def test_a_model_that_fails_is_named_and_the_others_are_made(bvae: Bvae, data: Path) -> None:
    grid = {"train.learning_rate": [0.001, 1e30]}
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE, "grid": grid}))
    done = bvae("sweep", "mine.yaml", "--data", data, "--cpu", "--workers", 1)
    assert done.code == 1
    assert "1 of 2 models failed; learning_rate=1e_30/0: the loss is" in done.err.replace("1e+30", "1e_30")
    assert [bool(model["failure"]) for model in table(Path("runs/mine/scores.csv"))] == [False, True]
    assert Path("runs/mine/learning_rate=0.001/0/metrics.json").exists()


def test_a_folder_that_holds_another_experiment_is_left_alone(bvae: Bvae, data: Path, checkpoint: Path) -> None:
    Path("runs/mine/base/0").mkdir(parents=True)
    Path("runs/mine/base/0/checkpoint.pt").write_bytes(checkpoint.read_bytes())
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    done = bvae("sweep", "mine.yaml", "--data", data, "--cpu")
    assert done.code == 1
    assert "was trained with" in done.err
    listed = bvae("sweep", "mine.yaml", "--data", data, "--cpu", "--dry-run").out
    assert [cell.strip() for cell in listed.split("│") if cell.strip()][-5:-1] == ["0", "0", "1", "0"]
    assert Path("runs/mine/base/0/checkpoint.pt").read_bytes() == checkpoint.read_bytes()


def test_data_that_is_not_there_is_said(bvae: Bvae) -> None:
    Path("mine.yaml").write_text(yaml.safe_dump({"base": BASE}))
    done = bvae("sweep", "mine.yaml", "--cpu")
    assert done.code == 1
    assert "there is no data file data/dsprites.h5" in done.err
