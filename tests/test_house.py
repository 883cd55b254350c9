"""The house: who may know whom, and what may be loaded when."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, get_args

import pytest
from conftest import ROOT

from bvae_cli import config, params
from bvae_cli.datasets import DATASETS
from bvae_cli.images.spec import DATASET_NAMES
from bvae_cli.models.initialisation import INITIALISATIONS
from bvae_cli.models.likelihoods import LIKELIHOODS
from bvae_cli.models.nets import NETS
from bvae_cli.objectives import OBJECTIVES

FLOORS = {
    "system": 0,
    "models": 1, "renamed": 1,
    "images": 2, "objectives": 2, "metrics": 2,
    "sources": 3, "encoding": 3,
    "datasets": 4, "latents": 4,
    "params": 5,
    "config": 6,
    "checkpoint": 7, "probe_set": 7,
    "figures": 8, "evaluation": 8, "interop": 8, "explorer": 8,
    "training": 9,
    "report": 10,
    "sweep": 11,
    "commands": 12, "app": 13, "__main__": 14,
}  # fmt: skip
SOURCES = sorted((ROOT / "bvae_cli").rglob("*.py"))
RICH_AND_TYPER = {"rich", "typer"}
HEAVY = {"torch", "h5py", "sklearn", "numpy", "matplotlib", "jinja2"}


def room(module: str) -> str:
    """The file or the folder right under bvae_cli that a module is in."""
    return [*module.split("."), ""][1]


def name(path: Path) -> str:
    """The full name of the module that a file is."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """The full names of the modules that a file imports, anywhere in it, but for the sake of types."""
    found = set()
    for node in ast.walk(tree_without_types(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {full if is_module(full) else str(node.module) for full in inside}
    return found


def is_module(full: str) -> bool:
    """Whether a name is one of a module or a folder of ours."""
    path = ROOT.joinpath(*full.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def tree_without_types(path: Path) -> ast.Module:
    """The syntax tree of a file without what stands under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    return tree


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(ROOT / "bvae_cli").with_suffix("").parts[0]
    if own == "__init__":
        return
    for module in imports(path):
        if module.startswith("bvae_cli.") and room(module) != own:
            assert FLOORS[room(module)] < FLOORS[own], f"{own} imports {module}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name(path): {module for module in imports(path) if module != name(path)} for path in SOURCES}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_commands_know_of_terminals(path: Path) -> None:
    if path.relative_to(ROOT / "bvae_cli").parts[0] not in {"app.py", "commands"}:
        assert not {module.split(".")[0] for module in imports(path)} & RICH_AND_TYPER


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["evaluate", "--help"], ["report", "--help"], ["sweep", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from bvae_cli.__main__ import main\n"
        f"sys.argv = ['bvae', *{arguments}]\n"
        "try: main()\n"
        f"except SystemExit: print('loaded', *sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "loaded"


def test_training_does_not_load_torchs_compiler(data: Path) -> None:
    code = (
        "import sys; from bvae_cli.__main__ import main\n"
        f"sys.argv = ['bvae', 'train', '--cpu', '--data', r'{data}', '--steps', '2', '--adam-warmup-steps', '1']\n"
        "try: main()\n"
        "except SystemExit: print(*sorted({'torch.optim', 'torch._dynamo', 'sympy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "torch.optim"


def test_the_words_of_params_yaml_are_those_of_the_tables() -> None:
    assert get_args(config.field_types(params.ModelParams)["net"]) == tuple(NETS)
    likelihood = get_args(config.field_types(params.ModelParams)["likelihood"])[0]
    assert get_args(likelihood) == tuple(LIKELIHOODS)
    assert get_args(config.field_types(params.TrainParams)["init"]) == tuple(INITIALISATIONS)
    assert all(dataset.spec.likelihood in LIKELIHOODS for dataset in DATASETS.values())
    assert all(name == dataset.spec.name for name, dataset in DATASETS.items())
    assert tuple(DATASETS) == DATASET_NAMES


def test_a_knob_that_objectives_share_is_of_one_kind_and_no_option_means_two_things() -> None:
    kinds: dict[str, Any] = {}
    for cls in OBJECTIVES.values():
        for name, kind in config.field_types(cls).items():
            assert kinds.setdefault(name, kind) == kind
    names = [
        *kinds,
        *(
            name
            for owner in (params.ModelParams, params.TrainParams, params.LoggingParams)
            for name in config.field_types(owner)
        ),
    ]
    assert len(names) == len(set(names))
