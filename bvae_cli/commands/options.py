"""Command-line options that several commands share, and options generated from the keys of params.yaml."""

import functools
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bvae_cli import config
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.schedule import Schedule, format_value, parse_schedule
from bvae_cli.params import SECTIONS

FILES, MACHINE, BASE_IMAGES = "Files", "Machine", "Images"
SCHEDULE = "NUMBER|STEP:NUMBER,…"

ParamsFile = Annotated[
    Path | None,
    typer.Option(help="Params file (YAML). Default: ./params.yaml, if it exists.", rich_help_panel=FILES),
]
Data = Annotated[Path, typer.Option(help="Folder of the data files (HDF5).", rich_help_panel=FILES)]
Out = Annotated[
    Path | None, typer.Option(help="Output folder. Default: the folder of the input file.", rich_help_panel=FILES)
]
Gpu = Annotated[
    int | None,
    typer.Option(min=0, help="Index of the GPU, from 0. Default: the first GPU, if any.", rich_help_panel=MACHINE),
]
Cpu = Annotated[bool, typer.Option("--cpu", help="Run on the CPU.", rich_help_panel=MACHINE)]
CheckpointFile = Annotated[Path, typer.Argument(metavar="CKPT", help="Checkpoint file.")]
Indices = Annotated[
    list[int] | None,
    typer.Option("--index", help="Index of an image in the data set, from 0; repeatable.", rich_help_panel=BASE_IMAGES),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", help="Factor values of an image: shape=2,scale=5; repeatable.", rich_help_panel=BASE_IMAGES
    ),
]
ImageFiles = Annotated[
    list[Path] | None,
    typer.Option("--image", help="Image file to encode; repeatable.", rich_help_panel=BASE_IMAGES),
]


def with_params(*choices: str, **arguments: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds `--params` and one option per key of the given sections of params.yaml to a command.

    The command receives the resulting Params as its first argument.

    Args:
        choices: sections, or single keys as `section.key`.
        arguments: keys that are set by the command's own parameters, as parameter="section.key".
    """
    keys = {option_name(section, key): (section, key) for choice in choices for section, key in section_keys(choice)}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *command_parameters = inspect.signature(command, eval_str=True).parameters.values()

        @functools.wraps(command)
        def wrapper(params: Path | None, **values: Any) -> None:
            options: dict[str, dict[str, Any]] = {}
            for name, (section, key) in keys.items():
                if (value := values.pop(name)) not in (None, []):
                    options.setdefault(section, {})[key] = value
            for name, choice in arguments.items():
                if values[name] is not None:
                    section, key = choice.split(".")
                    options.setdefault(section, {})[key] = str(values[name])
            command(config.load_params(params, options), **values)

        key_parameters = [
            optional_parameter("params", ParamsFile),
            *(optional_parameter(name, option_annotation(*keys[name])) for name in keys),
        ]
        signature = inspect.Signature([*command_parameters, *key_parameters])
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {entry.name: entry.annotation for entry in signature.parameters.values()}
        return wrapper

    return decorate


def optional_parameter(name: str, annotation: Any) -> inspect.Parameter:
    """Return a keyword parameter with default None."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def section_keys(choice: str) -> Iterator[tuple[str, str]]:
    """Yield (section, key) of a choice; `objective` yields `name` and the hyperparameters of all objectives."""
    section, _, key = choice.partition(".")
    if key:
        yield section, key
    elif section == "objective":
        yield section, "name"
        yield from ((section, hyperparameter.name) for cls in OBJECTIVES.values() for hyperparameter in fields(cls))  # type: ignore[arg-type]
    else:
        yield from ((section, entry.name) for entry in fields(SECTIONS[section]))


def option_name(section: str, key: str) -> str:
    """Return the option of a key; the option of `objective.name` is `--objective`."""
    return section if key == "name" else key


def option_annotation(section: str, key: str) -> Any:
    """Return the annotation from which Typer creates the option of a key."""
    if section == "objective" and key == "name":
        kind: Any = Literal[tuple(OBJECTIVES)]
        help_text = f"Training objective. Default: {config.DEFAULT_OBJECTIVE}."
    elif section == "objective":
        kind, help_text = objective_option(key)
    else:
        kind, text, default = config.field_info(SECTIONS[section], key)
        has_no_default = default is None or typing.get_origin(kind) is tuple
        help_text = text if has_no_default else f"{text} Default: {format_value(default)}."
    panel: dict[str, Any] = {"help": help_text, "show_default": False, "rich_help_panel": section.capitalize()}
    if kind == Schedule:
        return Annotated[Any, typer.Option(*option_flags(key), parser=parse_schedule_option, metavar=SCHEDULE, **panel)]
    is_repeatable = typing.get_origin(kind) is tuple
    return Annotated[list[str] | None if is_repeatable else kind | None, typer.Option(*option_flags(key), **panel)]


def objective_option(key: str) -> tuple[Any, str]:
    """Return the type and the help text of a hyperparameter, with its default in each objective that has it."""
    entries = {name: config.field_info(cls, key) for name, cls in OBJECTIVES.items() if key in config.field_types(cls)}
    defaults_by_text: dict[str, list[str]] = {}
    for name, (_, text, default) in entries.items():
        defaults_by_text.setdefault(text.removesuffix("."), []).append(f"{name}: {format_value(default)}")
    kind = next(iter(entries.values()))[0]
    return kind, " ".join(f"{text} ({'; '.join(defaults)})." for text, defaults in defaults_by_text.items())


def parse_schedule_option(text: str) -> Schedule:
    """Return the constant or schedule that is written on the command line."""
    try:
        return parse_schedule(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def option_flags(key: str) -> list[str]:
    """Return the flags of an option whose name differs from its key: singular if repeatable, or with an alias."""
    return {"metrics": ["--metric"], "learning_rate": ["--learning-rate", "--lr"]}.get(key, [])
