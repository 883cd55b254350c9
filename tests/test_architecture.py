"""The architecture: which package may import which, and what is imported when."""

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

LAYERS = {  # a package may only import packages of lower layers
    "system": 0,
    "models": 1, "renamed": 1,
    "images": 2, "objectives": 2, "metrics": 2,
    "sources": 3, "encoding": 3,
    "datasets": 4, "latents": 4,
    "params": 5,
    "config": 6, "checkpoint_schema": 6,
    "checkpoint": 7, "probe_set": 7,
    "figures": 8, "evaluation": 8, "interop": 8, "explorer": 8,
    "training": 9,
    "report": 10,
    "sweep": 11,
    "commands": 12, "app": 13, "__main__": 14,
}  # fmt: skip
MODULES = sorted((ROOT / "bvae_cli").rglob("*.py"))
RICH_AND_TYPER = {"rich", "typer"}
HEAVY = {"torch", "h5py", "sklearn", "numpy", "matplotlib", "jinja2"}


def package_of(module: str) -> str:
    """Return the file or folder directly below bvae_cli that contains a module."""
    return [*module.split("."), ""][1]


def module_name(path: Path) -> str:
    """Return the full name of the module in a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def find_imports(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, except those imported only for type checking."""
    modules = set()
    for node in ast.walk(parse_without_type_checking(path)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules |= {name if is_module(name) else str(node.module) for name in names}
    return modules


def is_module(name: str) -> bool:
    """Return whether a full name is that of a module or package of this repository."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def parse_without_type_checking(path: Path) -> ast.Module:
    """Return the syntax tree of a file without its top-level `if TYPE_CHECKING` blocks."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    return tree


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_import_only_lower_layers(path: Path) -> None:
    package = path.relative_to(ROOT / "bvae_cli").with_suffix("").parts[0]
    if package == "__init__":
        return
    for module in find_imports(path):
        if module.startswith("bvae_cli.") and package_of(module) != package:
            assert LAYERS[package_of(module)] < LAYERS[package], f"{package} imports {module}"


def test_there_are_no_import_cycles() -> None:
    graph = {module_name(path): find_imports(path) - {module_name(path)} for path in MODULES}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_commands_import_rich_and_typer(path: Path) -> None:
    if path.relative_to(ROOT / "bvae_cli").parts[0] not in {"app.py", "commands"}:
        assert not {module.split(".")[0] for module in find_imports(path)} & RICH_AND_TYPER


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["evaluate", "--help"], ["report", "--help"], ["sweep", "--help"]]
)
def test_help_imports_no_heavy_packages(arguments: list[str]) -> None:
    code = (
        "import sys; from bvae_cli.__main__ import main\n"
        f"sys.argv = ['bvae', *{arguments}]\n"
        "try: main()\n"
        f"except SystemExit: print('imported', *sorted({HEAVY} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1].strip() == "imported"


def test_training_does_not_import_the_compiler_of_torch(data: Path) -> None:
    code = (
        "import sys; from bvae_cli.__main__ import main\n"
        f"sys.argv = ['bvae', 'train', '--cpu', '--data', r'{data}', '--steps', '2', '--adam-warmup-steps', '1']\n"
        "try: main()\n"
        "except SystemExit: print(*sorted({'torch.optim', 'torch._dynamo', 'sympy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "torch.optim"


def test_the_choices_of_params_are_the_keys_of_the_registries() -> None:
    assert get_args(config.field_types(params.ModelParams)["net"]) == tuple(NETS)
    likelihood = get_args(config.field_types(params.ModelParams)["likelihood"])[0]
    assert get_args(likelihood) == tuple(LIKELIHOODS)
    assert get_args(config.field_types(params.TrainParams)["init"]) == tuple(INITIALISATIONS)
    assert all(dataset.spec.likelihood in LIKELIHOODS for dataset in DATASETS.values())
    assert all(name == dataset.spec.name for name, dataset in DATASETS.items())
    assert tuple(DATASETS) == DATASET_NAMES


def test_shared_hyperparameters_have_one_type_and_option_names_are_unique() -> None:
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
