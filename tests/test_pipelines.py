"""The chain, by DVC, on small real data; and every experiment of the project."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from bvae_cli import config

EXPERIMENTS = [ROOT / "params.yaml", *sorted((ROOT / "pipelines").glob("*.yaml"))]
BIN = Path(sys.executable).parent


def dvc(folder: Path, *arguments: str) -> str:
    paths = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(["dvc", *arguments], cwd=folder, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages_run(shown: str) -> list[str]:
    return [line.split("'")[1] for line in shown.splitlines() if line.startswith("Running stage")]


@pytest.mark.parametrize("path", [path for path in EXPERIMENTS if path.name != "dvc.yaml"], ids=lambda path: path.name)
def test_every_experiment_can_be_read(path: Path) -> None:
    params = config.load(path, {})
    assert params.dataset.name == "dsprites"


def test_every_experiment_has_its_stages() -> None:
    stages = yaml.safe_load((ROOT / "pipelines" / "dvc.yaml").read_text())["stages"]
    names = sorted(path.stem for path in EXPERIMENTS if path.name not in {"dvc.yaml", "params.yaml"})
    assert all(sorted(stage["foreach"]) == names for stage in stages.values())


def test_a_change_reruns_what_depends_on_it_and_nothing_else(small_npz: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bvae_cli", tmp_path / "bvae_cli")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"]["file"] = str(small_npz)
    params["train"] |= {"steps": 3, "adam_steps": 2}
    params["evaluate"] |= {"metrics": ["higgins", "mig"]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    dvc(tmp_path, "init", "-q")

    everything = ["download", "train", "evaluate", "traverse", "reconstruct"]
    assert sorted(stages_run(dvc(tmp_path, "repro"))) == sorted(everything)
    assert "higgins" in json.loads((tmp_path / "runs/dsprites/metrics.json").read_text())
    assert stages_run(dvc(tmp_path, "repro")) == []

    params["reconstruct"]["images"] = 3
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    assert stages_run(dvc(tmp_path, "repro")) == ["reconstruct"]
