"""The DVC pipeline on small data, and all preset experiments."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import miniatures
import pytest
import yaml
from conftest import ROOT, Bvae

from bvae_cli import config
from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.datasets import DATASETS, faces
from bvae_cli.datasets.download import download
from bvae_cli.sources.source import ReadOptions

PRESETS = [path for path in sorted((ROOT / "pipelines").glob("*.yaml")) if path.name != "dvc.yaml"]
EXPERIMENTS = [ROOT / "params.yaml", *PRESETS]
BIN = Path(sys.executable).parent


def run_dvc(folder: Path, *arguments: str) -> str:
    """Run DVC in a folder and return its output."""
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)}
    result = subprocess.run(
        ["dvc", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def executed_stages(output: str) -> list[str]:
    """Return the stages that DVC executed, from its output."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


@pytest.fixture(scope="module")
def small_data(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small data file of each data set of the experiments."""
    folder = tmp_path_factory.mktemp("small")
    face_factors = {name: min(size, 2) for name, size in faces.FACTORS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faces, "FACTORS", face_factors)
        for name, path in {
            "dsprites": small_npz,
            "color_dsprites": small_npz,
            "celeba": miniatures.celeba(folder),
            "3dchairs": miniatures.chairs3d(folder),
            "shapes3d": miniatures.shapes3d(folder),
            "faces": miniatures.faces(folder),
        }.items():
            download(DATASETS[name], ReadOptions(DATASETS[name].spec), None, path, folder / "data", force=False)
    return folder / "data"


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_every_experiment_has_a_title_and_trains(bvae: Bvae, small_data: Path, path: Path) -> None:
    assert path.read_text().startswith("# ")
    options = ["--steps", 2, "--log-every", 1, "--batch-size", 4, "--cpu", "--data", small_data, "--out", "run"]
    result = bvae("train", "--params", path, *options)
    assert result.code == 0, result.err
    params = load_checkpoint(Path("run/checkpoint.pt")).params
    assert params.objective == config.load_params(path, {}).objective
    assert params.model == config.load_params(path, {}).model


def test_every_experiment_has_its_stages() -> None:
    stages = yaml.safe_load((ROOT / "pipelines" / "dvc.yaml").read_text())["stages"]
    names = sorted(path.stem for path in PRESETS)
    each = {name: sorted(stage["foreach"]) for name, stage in stages.items() if "foreach" in stage}
    assert all(experiments == names for name, experiments in each.items() if name != "download")
    for name, data in stages["train"]["foreach"].items():
        assert config.load_params(ROOT / "pipelines" / f"{name}.yaml", {}).dataset.name == data
        assert data == "dsprites" or data in stages["download"]["foreach"]


def test_every_experiment_has_a_row_in_the_table() -> None:
    page = (ROOT / "pipelines" / "README.md").read_text()
    assert "\ndvc repro pipelines/dvc.yaml:evaluate@NAME\n" in page
    rows = re.findall(r"^\| `([\w-]+)\.yaml` \|", page, flags=re.M)
    assert sorted(rows) == sorted(path.stem for path in PRESETS)


def test_an_experiment_is_run_by_its_name(data: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bvae_cli", tmp_path / "bvae_cli")
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines")
    shutil.copytree(data, tmp_path / "data")
    preset = tmp_path / "pipelines" / "yanndubs_factor_vae.yaml"
    settings = yaml.safe_load(preset.read_text())
    settings["train"] |= {"steps": 2}
    settings["evaluate"] |= {"metrics": ["mig"]}
    preset.write_text(yaml.safe_dump(settings))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    run_dvc(tmp_path, "init", "-q")
    stages = executed_stages(run_dvc(tmp_path, "repro", "pipelines/dvc.yaml:report@yanndubs_factor_vae"))
    assert stages == [f"pipelines/dvc.yaml:{stage}@yanndubs_factor_vae" for stage in ("train", "evaluate", "report")]
    assert "total_correlation" in json.loads((tmp_path / "runs/yanndubs_factor_vae/metrics.json").read_text())


def test_a_change_reruns_only_dependent_stages(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bvae_cli", tmp_path / "bvae_cli")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for out in list_outputs(tmp_path / "dvc.yaml"):
        (tmp_path / out).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / out).write_text(out)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    run_dvc(tmp_path, "init", "-q")
    run_dvc(tmp_path, "commit", "--force", "--quiet")

    assert executed_stages(run_dvc(tmp_path, "repro", "--dry")) == []
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["reconstruct"]["images"] = 3
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    assert executed_stages(run_dvc(tmp_path, "repro", "--dry")) == ["reconstruct"]


def list_outputs(path: Path) -> list[str]:
    """Return the output files of all stages of a dvc.yaml."""
    stages = yaml.safe_load(path.read_text())["stages"].values()
    outs = [out for stage in stages for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in outs]
