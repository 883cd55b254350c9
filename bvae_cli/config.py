"""Building of params from defaults, params.yaml and command-line options, in ascending order of precedence."""

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.schedule import Schedule, parse_schedule
from bvae_cli.params import SECTIONS, DatasetParams, Params
from bvae_cli.renamed import require_new_key, require_new_value
from bvae_cli.system.checks import require_float32, require_one_of, shorten, suggest_nearest
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.yaml_files import read_yaml

DEFAULT_OBJECTIVE = "beta_vae"
VALUE_HINT = "correct the value in the params file, or pass the option of this key."
DEFAULT_NAMES = {"objective": DEFAULT_OBJECTIVE, "dataset": DatasetParams.name}

Section = TypeVar("Section")
Settings = Mapping[str, Mapping[str, Any]]
"""Values by section and key."""


def load_params(path: Path | None, options: Settings) -> Params:
    """Return the params of a file, by default ./params.yaml if it exists, overridden by options.

    Raises:
        BvaeError: the file cannot be read, or a key or a value is invalid.
    """
    if path is None and Path("params.yaml").is_file():
        path = Path("params.yaml")
    return build_params(merge_settings(read_sections(path) if path else {}, options))


def read_sections(path: Path) -> Settings:
    """Return the sections of a params file; raises BvaeError if it cannot be read or is invalid."""
    return require_sections(read_mapping(path), path)


def read_mapping(path: Path, hint: str = "pass a params file with --params.") -> dict[str, Any]:
    """Return the mapping in a YAML file; raises BvaeError if it cannot be read or contains no mapping."""
    content = read_yaml(path, hint)
    if not isinstance(content, dict):
        raise no_sections_error(path)
    return content


def require_sections(content: Any, path: Path) -> Settings:
    """Return the content of a file, or of a part of it, as sections; raises BvaeError if it is anything else."""
    if not isinstance(content, dict):
        raise no_sections_error(path)
    for section, settings in content.items():
        if not isinstance(settings, dict | None):
            raise BvaeError(
                f"{path}: {section} must be a section with keys, not {shorten(repr(settings))}",
                f"indent the keys of the section below {section}: as key: value.",
            )
    return {section: settings or {} for section, settings in content.items()}


def no_sections_error(path: Path) -> BvaeError:
    """Return the error for a file without sections."""
    return BvaeError(f"{path} contains no sections", f"write keys by section: {', '.join([*SECTIONS, 'objective'])}.")


def merge_settings(settings: Settings, options: Settings) -> Settings:
    """Return settings overridden by options; another objective or data set discards the section's other keys."""
    merged = dict(settings)
    for section, overrides in options.items():
        base = settings.get(section, {})
        base_name = base.get("name", DEFAULT_NAMES.get(section))
        if overrides.get("name", base_name) != base_name:
            base = {}
        merged[section] = {**base, **overrides}
    return merged


def build_params(settings: Settings) -> Params:
    """Return params from plain settings; raises BvaeError, with the nearest valid name, if one is invalid."""
    require_known_keys("", settings, [*SECTIONS, "objective"], "a section")
    sections = {name: build_section(cls, settings.get(name, {}), name) for name, cls in SECTIONS.items()}
    return Params(objective=build_objective(settings.get("objective", {})), **sections)


def build_objective(settings: Mapping[str, Any]) -> Objective:
    """Return the objective specified by the key `name` (default: β-VAE), with its hyperparameters."""
    name = convert_choice("objective.name", settings.get("name", DEFAULT_OBJECTIVE), OBJECTIVES)
    hyperparameters = {key: value for key, value in settings.items() if key != "name"}
    for key in hyperparameters:
        owners = [owner for owner, cls in OBJECTIVES.items() if key in field_types(cls)]
        if owners and name not in owners:
            raise BvaeError(
                f"objective.{key} is not a hyperparameter of the objective '{name}'",
                f"remove it, or choose an objective that has it with --objective: {', '.join(owners)}.",
            )
    return build_section(OBJECTIVES[name], hyperparameters, "objective")


def build_section(cls: type[Section], settings: Mapping[str, Any], section: str) -> Section:
    """Return the dataclass of a section from plain settings, each converted to the type of its field."""
    types_of_keys = field_types(cls)
    require_known_keys(f"{section}.", settings, types_of_keys, "a parameter")
    values = {key: convert(value, types_of_keys[key], f"{section}.{key}") for key, value in settings.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise BvaeError(f"{section}.{error}", VALUE_HINT) from error


def field_types(cls: type[Any]) -> dict[str, Any]:
    """Return the type of each field of a dataclass, without the help text."""
    hints = typing.get_type_hints(cls)
    return {entry.name: hints[entry.name] for entry in dataclasses.fields(cls)}


def field_info(owner: type[Any], key: str) -> tuple[Any, str, Any]:
    """Return the type, the help text and the default of a field of a dataclass."""
    kind, text = typing.get_args(typing.get_type_hints(owner, include_extras=True)[key])
    return kind, text, getattr(owner, key)


def convert(value: Any, kind: Any, key: str) -> Any:
    """Return a YAML value converted to the type of its field; 1e-4, a string in YAML, becomes a float."""
    require_new_value(key, value)
    if kind == Schedule:
        return convert_schedule(value, key)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        inner = next(arm for arm in typing.get_args(kind) if arm is not types.NoneType)
        return None if value is None else convert(value, inner, key)
    if typing.get_origin(kind) is tuple:
        return convert_strings(value, key)
    if typing.get_origin(kind) is Literal:
        return convert_choice(key, value, typing.get_args(kind))
    try:
        converted = CONVERTERS[kind](value)
    except (TypeError, ValueError, OverflowError):
        raise BvaeError(f"{key} must be {TYPE_NAMES[kind]}, not {shorten(repr(value))}", VALUE_HINT) from None
    return require_representable(converted, key) if kind is float else converted


def require_representable(number: float, key: str) -> float:
    """Return a number; raises BvaeError if it is too large for float32."""
    try:
        return require_float32(number)
    except ValueError as error:
        raise BvaeError(f"{key} {error}", VALUE_HINT) from None


def convert_choice(key: str, value: Any, choices: Iterable[str]) -> Any:
    """Return the value; raises BvaeError if it is not among the choices."""
    require_new_value(key, value)
    try:
        require_one_of(key, value, choices)
    except ValueError as error:
        raise BvaeError(str(error), "use one of the allowed values.") from error
    return value


def convert_schedule(value: Any, key: str) -> Schedule:
    """Return a constant or a schedule; raises BvaeError if the value is neither."""
    try:
        return parse_schedule(value)
    except ValueError as error:
        raise BvaeError(f"{key} {error}", VALUE_HINT) from error


def convert_strings(value: Any, key: str) -> tuple[str, ...]:
    """Return a list of strings as a tuple; raises BvaeError for any other value."""
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise BvaeError(f"{key} must be a list of strings, not {shorten(repr(value))}", VALUE_HINT)
    return tuple(value)


def convert_float(value: Any) -> float:
    """Return a float; raises TypeError for a boolean."""
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def convert_int(value: Any) -> int:
    """Return an integer, also from 1e5; raises ValueError for 1.5 and TypeError for a boolean."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if (number := convert_float(value)) != int(number):
        raise ValueError
    return int(number)


def convert_str(value: Any) -> str:
    """Return a string unchanged; raises TypeError for any other value."""
    if not isinstance(value, str):
        raise TypeError
    return value


def convert_bool(value: Any) -> bool:
    """Return a boolean unchanged; raises TypeError for any other value."""
    if not isinstance(value, bool):
        raise TypeError
    return value


CONVERTERS: dict[Any, Any] = {float: convert_float, int: convert_int, str: convert_str, bool: convert_bool}
TYPE_NAMES: dict[Any, str] = {float: "a number", int: "an integer", str: "a string", bool: "true or false"}


def require_known_keys(prefix: str, settings: Mapping[str, Any], known: Iterable[str], noun: str) -> None:
    """Raise BvaeError, with the nearest valid name, for the first unknown key; `noun` says what a key is."""
    known = list(known)
    for key in settings:
        if key not in known:
            require_new_key(f"{prefix}{key}")
            hint = f"use one of these: {', '.join(known)}." if known else "remove it: this section has no parameters."
            raise BvaeError(f"{prefix}{key} is not {noun}{suggest_nearest(key, known, prefix)}", hint)


def to_dict(params: Params) -> dict[str, dict[str, Any]]:
    """Return params as plain settings for `build_params`, including all defaults."""
    sections: dict[str, dict[str, Any]] = dataclasses.asdict(params)
    name = next(name for name, cls in OBJECTIVES.items() if type(params.objective) is cls)
    return sections | {"objective": {"name": name, **sections["objective"]}}
