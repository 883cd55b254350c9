"""What a run was made by, and what makes it again."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bvae_cli import config
from bvae_cli.checkpoint import Checkpoint, known_settings
from bvae_cli.images.spec import UNKNOWN
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.schedule import format_value as text_of_knob
from bvae_cli.params import SECTIONS
from bvae_cli.report.provenance import Provenance, download_arguments
from bvae_cli.report.run_record import CHECKPOINT_NAME, RunRecord, path_text


@dataclass(frozen=True)
class Parameter:
    """A key of params.yaml as a run had it."""

    key: str
    value: str
    default: str
    description: str
    is_changed: bool


def parameters(checkpoint: Checkpoint) -> list[Parameter]:
    """All that are known, in the order of params.yaml."""
    return [
        Parameter(f"{section}.{key}", format_parameter(value), format_parameter(default), words, value != default)
        for section, key, value, default, words in known_parameters(checkpoint)
    ]


def format_parameter(value: Any) -> str:
    """A value as it is typed; nothing of what is left to others."""
    return "" if value is None else text_of_knob(value)


def known_parameters(checkpoint: Checkpoint) -> Iterator[tuple[str, str, Any, Any, str]]:
    """Section, key, value, default and help of each parameter that is known."""
    for section, settings in known_settings(checkpoint).items():
        for key, value in settings.items():
            if (section, key) == ("objective", "name"):
                default, words = config.DEFAULT_OBJECTIVE, "What to minimise."
            else:
                owner = OBJECTIVES[settings["name"]] if section == "objective" else SECTIONS[section]
                _, words, default = config.field_info(owner, key)
            yield section, key, value, default, words


def params_yaml(checkpoint: Checkpoint) -> str:
    """The params file that a run is trained by: what it is of, and what is not as by default."""
    chosen: dict[str, dict[str, Any]] = {}
    for section, key, value, default, _ in known_parameters(checkpoint):
        if key == "name" or value != default:
            chosen.setdefault(section, {})[key] = to_yaml_value(value)
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, allow_unicode=True)


def to_yaml_value(value: Any) -> Any:
    """A value in the lists that YAML has."""
    return [to_yaml_value(part) for part in value] if isinstance(value, tuple) else value


def reproduce_commands(record: RunRecord, data: Provenance) -> list[str]:
    """What is typed to have a run again, where its params file, or the foreign file, is."""
    model, folder, file = record.checkpoint, path_text(record.folder), path_text(record.path)
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
        *([shlex.join([*download_arguments(model.spec, data.source), *elsewhere])] if known else []),
        shlex.join(imported if model.imported_from else trained),
        *([shlex.join(scored)] if known else []),
        shlex.join(["bvae", "report", folder if record.path.name == CHECKPOINT_NAME else file, *elsewhere]),
    ]
