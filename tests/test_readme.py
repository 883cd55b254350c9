"""Every command of the README and of docs/ is run as written, in order; only long trainings are shortened."""

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


def run_in_shell(command: str, folder: Path) -> Result:
    """Run a line in a shell and return its result."""
    paths = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, shell=True, cwd=folder, env=paths, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def split_words(line: str) -> list[str]:
    """Return the words of a line as a shell does: without quotes, and with file names in place of patterns."""
    return [name for word in shlex.split(line) for name in (sorted(map(str, Path().glob(word))) or [word])]


def shorten(command: str) -> str:
    """Return a command with 3 training steps in place of thousands."""
    return re.sub(r"--steps \d{4,}", "--steps 3", command)


@pytest.fixture(scope="module")
def newcomer(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a new user has it, with a small experiment in params.yaml and some files of the user."""
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
    ground_truth = GroundTruth.from_grid((3, 10, 10))
    factors = ground_truth.factors
    np.savez(folder / "my-codes.npz", codes=factors.astype(np.float32), factors=factors)
    state = VAE("burgess", "bernoulli", channels=1, latent_dim=10).state_dict()
    torch.save({theirs: state[ours] for theirs, ours in parameter_names(LAYERS).items()}, folder / "model.pt")
    torch.save({"iter": 0, "model_states": {"net": state}}, folder / "last")
    Image.new("RGB", (100, 80), (200, 10, 10)).save(folder / "my-image.png")
    (folder / "my-images").mkdir()
    for red in range(0, 256, 4):
        Image.new("RGB", (70, 70), (red, 10, 10)).save(folder / "my-images" / f"{red}.png")
    git = (
        "git init -q && git config user.name me && git config user.email me@here && git add -A && git commit -qm start"
    )
    assert run_in_shell(git, folder).code == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_command_succeeds(newcomer: Path, bvae: Bvae, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    if command.startswith("make "):
        assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), flags=re.M)
        return
    monkeypatch.chdir(newcomer)
    program, *words = split_words(shorten(command))
    done = bvae(*words) if program == "bvae" else run_in_shell(command, newcomer)
    gpu = re.search(r"--gpu (\d+)", command)
    if gpu and int(gpu[1]) >= torch.cuda.device_count():
        assert f"GPU {gpu[1]} not found" in done.err
        return
    assert done.code == 0, done.out + done.err
    assert done.out or done.err
    if command.startswith(("dvc repro", "dvc exp run")):
        run = re.findall(r"^Running stage '(\w+)'", done.out, flags=re.M)
        depends = ["train", *([] if command.endswith(" train") else ["evaluate", "traverse", "reconstruct", "report"])]
        assert sorted(run) == sorted(depends if "objective" in command else ["download", *depends])


def test_pipeline_writes_scores_and_report(newcomer: Path) -> None:
    assert "beta_vae_score" in json.loads((newcomer / "runs/dsprites/metrics.json").read_text())
    assert "Higgins metric" in (newcomer / "runs/dsprites/report.html").read_text()


def test_readme_lists_every_command() -> None:
    for command in (entry.name for entry in app.registered_commands):
        assert any(line.startswith(f"bvae {command}") for line in COMMANDS)
        assert f"| `bvae {command}` |" in README


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200
    assert COMMANDS[:2] == ["make repro", "make test"]


def test_links_lead_to_existing_files_and_headings() -> None:
    for path, page in PAGES.items():
        for target in re.findall(r"(?:\]\(|src=\")(?!https?:)([^)\"]+)[)\"]", page):
            name, _, anchor = target.partition("#")
            linked = path.parent / name if name else path
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked.read_text()), target


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub derives them."""
    headings = re.findall(r"^#+ (.+)$", page, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_repository_layout_lists_every_module() -> None:
    listed = re.findall(r"^  (\w+(?:\.py|/))", PAGES[ROOT / "docs" / "extending.md"], flags=re.M)
    existing = {path.name + "/" * path.is_dir() for path in (ROOT / "bvae_cli").iterdir()}
    assert set(listed) == existing - {"__init__.py", "__pycache__/"}
