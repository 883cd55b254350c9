"""The parameters of a run, and the params file and commands that reproduce it."""

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
from bvae_cli.objectives.schedule import format_value
from bvae_cli.params import SECTIONS
from bvae_cli.report.provenance import Provenance, download_arguments
from bvae_cli.report.run_record import CHECKPOINT_NAME, RunRecord, path_text


@dataclass(frozen=True)
class Parameter:
    """A key of params.yaml with the value of a run."""

    key: str
    value: str
    default: str
    description: str
    is_changed: bool


def parameters(checkpoint: Checkpoint) -> list[Parameter]:
    """Return all known parameters in the order of params.yaml."""
    return [
        Parameter(f"{section}.{key}", format_parameter(value), format_parameter(default), description, value != default)
        for section, key, value, default, description in known_parameters(checkpoint)
    ]


def format_parameter(value: Any) -> str:
    """Return a value in the syntax of the command line; empty if None."""
    return "" if value is None else format_value(value)


def known_parameters(checkpoint: Checkpoint) -> Iterator[tuple[str, str, Any, Any, str]]:
    """Yield section, key, value, default and help text of each known parameter."""
    for section, settings in known_settings(checkpoint).items():
        for key, value in settings.items():
            if (section, key) == ("objective", "name"):
                default, description = config.DEFAULT_OBJECTIVE, "Training objective."
            else:
                owner = OBJECTIVES[settings["name"]] if section == "objective" else SECTIONS[section]
                _, description, default = config.field_info(owner, key)
            yield section, key, value, default, description


def params_yaml(checkpoint: Checkpoint) -> str:
    """Return the contents of a params file that reproduces a run: names and all non-default parameters."""
    sections: dict[str, dict[str, Any]] = {}
    for section, key, value, default, _ in known_parameters(checkpoint):
        if key == "name" or value != default:
            sections.setdefault(section, {})[key] = to_yaml_value(value)
    return yaml.safe_dump(sections, sort_keys=False, default_flow_style=None, allow_unicode=True)


def to_yaml_value(value: Any) -> Any:
    """Return a value with tuples converted to lists, which YAML can represent."""
    return [to_yaml_value(item) for item in value] if isinstance(value, tuple) else value


def reproduce_commands(record: RunRecord, data: Provenance) -> list[str]:
    """Return the commands that reproduce a run, given its params file or the imported checkpoint file."""
    model, folder, file = record.checkpoint, path_text(record.folder), path_text(record.path)
    data_option = [] if data.path.parent == Path("data") else ["--data", str(data.path.parent)]
    has_data = model.spec.name != UNKNOWN
    train = ["bvae", "train", "--params", "params.yaml", *data_option, "--out", folder]
    dataset_option = ["--dataset", model.spec.name] if has_data else []
    import_ = ["bvae", "import", "FILE", *dataset_option, *data_option, "--out", folder]
    evaluate = ["bvae", "evaluate", file, *data_option]
    return [
        *([shlex.join([*download_arguments(model.spec, data.source), *data_option])] if has_data else []),
        shlex.join(import_ if model.imported_from else train),
        *([shlex.join(evaluate)] if has_data else []),
        shlex.join(["bvae", "report", folder if record.path.name == CHECKPOINT_NAME else file, *data_option]),
    ]
