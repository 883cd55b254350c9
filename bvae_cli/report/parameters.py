"""What a run was made by, and what makes it again."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bvae_cli import config
from bvae_cli.checkpoint import Checkpoint, known_settings
from bvae_cli.datasets.spec import UNKNOWN
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.schedule import text_of as text_of_knob
from bvae_cli.params import SECTIONS
from bvae_cli.report.provenance import Provenance, download
from bvae_cli.report.record import MODEL, Record, text_of


@dataclass(frozen=True)
class Parameter:
    """A key of params.yaml as a run had it."""

    key: str
    value: str
    default: str
    words: str
    changed: bool


def parameters(checkpoint: Checkpoint) -> list[Parameter]:
    """All that are known, in the order of params.yaml."""
    return [
        Parameter(f"{section}.{key}", shown(value), shown(default), words, value != default)
        for section, key, value, default, words in entries(checkpoint)
    ]


def shown(value: Any) -> str:
    """A value as it is typed; nothing of what is left to others."""
    return "" if value is None else text_of_knob(value)


def entries(checkpoint: Checkpoint) -> Iterator[tuple[str, str, Any, Any, str]]:
    """Section, key, value, default and help of each parameter that is known."""
    for section, settings in known_settings(checkpoint).items():
        for key, value in settings.items():
            if (section, key) == ("objective", "name"):
                default, words = config.DEFAULT_OBJECTIVE, "What to minimise."
            else:
                owner = OBJECTIVES[settings["name"]] if section == "objective" else SECTIONS[section]
                _, words, default = config.declared(owner, key)
            yield section, key, value, default, words


def recipe(checkpoint: Checkpoint) -> str:
    """The params file that a run is trained by: what it is of, and what is not as by default."""
    chosen: dict[str, dict[str, Any]] = {}
    for section, key, value, default, _ in entries(checkpoint):
        if key == "name" or value != default:
            chosen.setdefault(section, {})[key] = plain(value)
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, allow_unicode=True)


def plain(value: Any) -> Any:
    """A value in the lists that YAML has."""
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def commands(record: Record, data: Provenance) -> list[str]:
    """What is typed to have a run again, where its params file, or the foreign file, is."""
    model, folder, file = record.checkpoint, text_of(record.folder), text_of(record.path)
    elsewhere = [] if data.path.parent == Path("data") else ["--data", str(data.path.parent)]
    known = model.spec.name != UNKNOWN
    trained = ["bvae", "train", "--params", "params.yaml", *elsewhere, "--out", folder]
    imported = [
        "bvae",
        "import",
        "FILE",
        *(["--dataset", model.spec.name] if known else []),
        *elsewhere,
        "--out",
        folder,
    ]
    scored = ["bvae", "evaluate", file, *elsewhere]
    return [
        *([shlex.join([*download(model.spec, data.source), *elsewhere])] if known else []),
        shlex.join(imported if model.foreign else trained),
        *([shlex.join(scored)] if known else []),
        shlex.join(["bvae", "report", folder if record.path.name == MODEL else file, *elsewhere]),
    ]
