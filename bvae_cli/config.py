"""Where defaults, params.yaml and options meet: in this order, and nowhere else."""

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.schedule import Schedule, parse_schedule
from bvae_cli.params import SECTIONS, DatasetParams, Params
from bvae_cli.renamed import require_new_key, require_new_value
from bvae_cli.system.checks import require_one_of, suggest_nearest
from bvae_cli.system.errors import BvaeError

DEFAULT_OBJECTIVE = "beta_vae"
DEFAULT_NAMES = {"objective": DEFAULT_OBJECTIVE, "dataset": DatasetParams.name}

Section = TypeVar("Section")
Settings = Mapping[str, Mapping[str, Any]]
"""Section, key, value."""


def load_params(path: Path | None, options: Settings) -> Params:
    """The experiment of a params file, or of ./params.yaml where there is one, with options laid over it.

    Raises:
        BvaeError: the file cannot be read, or a key or a value is not one.
    """
    if path is None and Path("params.yaml").is_file():
        path = Path("params.yaml")
    return build_params(overlay(read_sections(path) if path else {}, options))


def read_sections(path: Path) -> Settings:
    """The sections of a params file; raises BvaeError where it is none."""
    return require_sections(read_yaml(path), path)


def read_yaml(path: Path, remedy: str = "name a params file with --params.") -> dict[str, Any]:
    """What a YAML file says of its keys; raises BvaeError where it has none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise BvaeError(f"cannot read {path}: {error}", remedy) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BvaeError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise BvaeError(f"{path} holds no sections", "start from the params.yaml of this project.")
    return content


def require_sections(content: Any, path: Path) -> Settings:
    """What a file, or a part of it, says of sections; raises BvaeError where it does not."""
    if not isinstance(content, dict):
        raise BvaeError(f"{path} holds no sections", "start from the params.yaml of this project.")
    for section, settings in content.items():
        if not isinstance(settings, dict | None):
            raise BvaeError(f"{path}: {section} must be a section with keys of its own, not {settings!r}")
    return {section: settings or {} for section, settings in content.items()}


def overlay(settings: Settings, options: Settings) -> Settings:
    """Settings with options in their place; what is said of one objective or data set does not outlive its choice."""
    merged = dict(settings)
    for section, chosen in options.items():
        below = settings.get(section, {})
        before = below.get("name", DEFAULT_NAMES.get(section))
        if chosen.get("name", before) != before:
            below = {}
        merged[section] = {**below, **chosen}
    return merged


def build_params(settings: Settings) -> Params:
    """Params of plain settings; raises BvaeError, with the nearest right name, where a key or a value is not one."""
    refuse_unknown("", settings, [*SECTIONS, "objective"], "a section")
    sections = {name: build_section(cls, settings.get(name, {}), name) for name, cls in SECTIONS.items()}
    return Params(objective=build_objective(settings.get("objective", {})), **sections)


def build_objective(settings: Mapping[str, Any]) -> Objective:
    """The objective that `name` names, β-VAE unless told otherwise, with its knobs."""
    name = convert_choice("objective.name", settings.get("name", DEFAULT_OBJECTIVE), OBJECTIVES)
    hyperparameters = {key: value for key, value in settings.items() if key != "name"}
    for key in hyperparameters:
        owners = [owner for owner, cls in OBJECTIVES.items() if key in field_types(cls)]
        if owners and name not in owners:
            raise BvaeError(
                f"objective.{key} is not a parameter of the objective '{name}'",
                f"it belongs to {', '.join(owners)}: --objective {owners[0]}, or name: {owners[0]} in the params file.",
            )
    return build_section(OBJECTIVES[name], hyperparameters, "objective")


def build_section(cls: type[Section], settings: Mapping[str, Any], section: str) -> Section:
    """A section's dataclass of plain settings, each converted to what its field is annotated with."""
    kinds = field_types(cls)
    refuse_unknown(f"{section}.", settings, kinds, "a parameter")
    values = {key: convert(value, kinds[key], f"{section}.{key}") for key, value in settings.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise BvaeError(
            f"{section}.{error}", f"change it in the params file under {section}, or by its option."
        ) from error


def field_types(cls: type[Any]) -> dict[str, Any]:
    """The type of each field of a dataclass, without its help."""
    hints = typing.get_type_hints(cls)
    return {entry.name: hints[entry.name] for entry in dataclasses.fields(cls)}


def field_info(owner: type[Any], key: str) -> tuple[Any, str, Any]:
    """The kind, the help and the default of a key of a dataclass."""
    kind, text = typing.get_args(typing.get_type_hints(owner, include_extras=True)[key])
    return kind, text, getattr(owner, key)


def convert(value: Any, kind: Any, key: str) -> Any:
    """A YAML value as what its field is annotated with: 1e-4, which YAML calls a string, is a number here."""
    require_new_value(key, value)
    if kind == Schedule:
        return convert_schedule(value, key)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        inner = next(arm for arm in typing.get_args(kind) if arm is not types.NoneType)
        return None if value is None else convert(value, inner, key)
    if typing.get_origin(kind) is tuple:
        return convert_words(value, key)
    if typing.get_origin(kind) is Literal:
        return convert_choice(key, value, typing.get_args(kind))
    try:
        return CONVERTERS[kind](value)
    except (TypeError, ValueError, OverflowError):
        raise BvaeError(f"{key} must be {NOUNS[kind]}, not {value!r}") from None


def convert_choice(key: str, value: Any, choices: Iterable[str]) -> Any:
    """The value, where it is one of the choices."""
    require_new_value(key, value)
    try:
        require_one_of(key, value, choices)
    except ValueError as error:
        raise BvaeError(str(error)) from error
    return value


def convert_schedule(value: Any, key: str) -> Schedule:
    """A number or a path over steps."""
    try:
        return parse_schedule(value)
    except ValueError as error:
        raise BvaeError(f"{key} {error}") from error


def convert_words(value: Any, key: str) -> tuple[str, ...]:
    """A list of words; raises BvaeError where it is none."""
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise BvaeError(f"{key} must be a list of words, not {value!r}")
    return tuple(value)


def convert_float(value: Any) -> float:
    """A float; a truth value is none."""
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def convert_int(value: Any) -> int:
    """An int, 1e5 among them; 1.5 is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if (given := convert_float(value)) != int(given):
        raise ValueError
    return int(given)


def convert_str(value: Any) -> str:
    """A string as it is."""
    if not isinstance(value, str):
        raise TypeError
    return value


def convert_bool(value: Any) -> bool:
    """True or false, and nothing that is like them."""
    if not isinstance(value, bool):
        raise TypeError
    return value


CONVERTERS: dict[Any, Any] = {float: convert_float, int: convert_int, str: convert_str, bool: convert_bool}
NOUNS: dict[Any, str] = {float: "a number", int: "a whole number", str: "a word", bool: "true or false"}


def refuse_unknown(prefix: str, settings: Mapping[str, Any], known: Iterable[str], noun: str) -> None:
    """Raise BvaeError, with the nearest right name, at the first key that is not known."""
    known = list(known)
    for key in settings:
        if key not in known:
            require_new_key(f"{prefix}{key}")
            hint = f"there are: {', '.join(known)}." if known else "it takes none."
            raise BvaeError(f"{prefix}{key} is not {noun}{suggest_nearest(key, known, prefix)}", hint)


def to_dict(params: Params) -> dict[str, dict[str, Any]]:
    """Params as plain settings that `build_params` takes, every default filled in."""
    sections: dict[str, dict[str, Any]] = dataclasses.asdict(params)
    name = next(name for name, cls in OBJECTIVES.items() if type(params.objective) is cls)
    return sections | {"objective": {"name": name, **sections["objective"]}}
