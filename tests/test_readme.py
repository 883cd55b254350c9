"""Every command of the README and of docs/, typed as it is written, in its order."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, Bvae, Result
from PIL import Image

from bvae_cli.app import app
from bvae_cli.interop.translation import parameter_names
from bvae_cli.interop.yanndubs import LAYERS
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.models.vae import VAE

README = (ROOT / "README.md").read_text()
PAGES = {path: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
BLOCKS = [block for page in PAGES.values() for block in re.findall(r"```sh\n(.*?)```", page, flags=re.S)]
COMMANDS = list(dict.fromkeys(line for block in BLOCKS for line in block.splitlines() if line.strip()))
BIN = Path(sys.executable).parent


def typed(command: str, folder: Path) -> Result:
    """What a shell makes of a line."""
    paths = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, shell=True, cwd=folder, env=paths, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def words_of(line: str) -> list[str]:
    """What a shell makes of the words of a line: quotes are taken off, and names with a star are those of files."""
    return [name for word in shlex.split(line) for name in (sorted(map(str, Path().glob(word))) or [word])]


@pytest.fixture(scope="module")
def newcomer(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a newcomer has it, but for a small experiment in params.yaml."""
    folder = tmp_path_factory.mktemp("newcomer")
    for name in ("bvae_cli", "pipelines", ".dvc/config", ".dvcignore", ".gitignore", "dvc.yaml", "params.yaml"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, target)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["dataset"]["file"] = str(small_npz)
    params["train"] |= {"steps": 3, "adam_warmup_steps": 2}
    params["evaluate"] |= {"metrics": ["beta_vae_score", "mig"]}
    params["traverse"] |= {"frames": 2}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    study = folder / "pipelines" / "studies" / "falling.yaml"
    study.write_text(study.read_text().replace("seeds: 3", "seeds: 1"))
    shutil.copy(small_npz, folder / "my-dsprites.npz")
    truth = GroundTruth.from_grid((3, 10, 10))
    np.savez(folder / "my-codes.npz", codes=truth.factors.astype(np.float32), factors=truth.factors)
    state = VAE("burgess", "bernoulli", channels=1, latent_dim=10).state_dict()
    torch.save({theirs: state[ours] for theirs, ours in parameter_names(LAYERS).items()}, folder / "model.pt")
    torch.save({"iter": 0, "model_states": {"net": state}}, folder / "last")
    Image.new("RGB", (100, 80), (200, 10, 10)).save(folder / "my-picture.png")
    git = (
        "git init -q && git config user.name me && git config user.email me@here && git add -A && git commit -qm start"
    )
    assert typed(git, folder).code == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_it_says(newcomer: Path, bvae: Bvae, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    if command.startswith("make "):
        assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), flags=re.M)
        return
    monkeypatch.chdir(newcomer)
    program, *words = words_of(command)
    done = bvae(*words) if program == "bvae" else typed(command, newcomer)
    gpu = re.search(r"--gpu (\d+)", command)
    if gpu and int(gpu[1]) >= torch.cuda.device_count():
        assert f"there is no GPU {gpu[1]} here" in done.err
        return
    assert done.code == 0, done.out + done.err
    assert done.out or done.err
    if command.startswith(("dvc repro", "dvc exp run")):
        run = re.findall(r"^Running stage '(\w+)'", done.out, flags=re.M)
        depends = ["train", *([] if command.endswith(" train") else ["evaluate", "traverse", "reconstruct", "report"])]
        assert sorted(run) == sorted(depends if "objective" in command else ["download", *depends])


def test_the_chain_has_left_scores_and_a_page(newcomer: Path) -> None:
    assert "beta_vae_score" in json.loads((newcomer / "runs/dsprites/metrics.json").read_text())
    assert "Higgins metric" in (newcomer / "runs/dsprites/report.html").read_text()


def test_the_readme_has_every_command_in_it() -> None:
    for command in (entry.name for entry in app.registered_commands):
        assert any(line.startswith(f"bvae {command}") for line in COMMANDS)


def test_every_file_that_a_page_names_is_there() -> None:
    for path, page in PAGES.items():
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page):
            assert (path.parent / target.split("#")[0]).exists(), target


def test_the_tree_is_that_of_the_package() -> None:
    drawn = re.findall(r"^  (\w+(?:\.py|/))", README, flags=re.M)
    there = {path.name + "/" * path.is_dir() for path in (ROOT / "bvae_cli").iterdir()}
    assert set(drawn) == there - {"__init__.py", "__pycache__/"}
