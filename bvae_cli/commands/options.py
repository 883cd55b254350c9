"""Options: those that commands share, and those made from the keys of params.yaml."""

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

FILES, MACHINE, BASE_IMAGES = "Files", "Machine", "Which images"
SCHEDULE = "NUMBER|STEP:NUMBER,…"

ParamsFile = Annotated[
    Path | None,
    typer.Option(help="Params file. Default: ./params.yaml, where there is one.", rich_help_panel=FILES),
]
Data = Annotated[Path, typer.Option(help="Folder of the data files.", rich_help_panel=FILES)]
Out = Annotated[
    Path | None, typer.Option(help="Folder to write to. Default: the checkpoint's own.", rich_help_panel=FILES)
]
Gpu = Annotated[
    int | None, typer.Option(min=0, help="Number of a GPU. Default: the first, if any.", rich_help_panel=MACHINE)
]
Cpu = Annotated[bool, typer.Option("--cpu", help="Compute on the processor.", rich_help_panel=MACHINE)]
CheckpointFile = Annotated[Path, typer.Argument(metavar="CKPT", help="A checkpoint.pt.")]
Indices = Annotated[
    list[int] | None,
    typer.Option("--index", help="One of the data set, by number. May be repeated.", rich_help_panel=BASE_IMAGES),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="One by factors, shape=2,scale=5. May be repeated.", rich_help_panel=BASE_IMAGES),
]
ImageFiles = Annotated[
    list[Path] | None,
    typer.Option("--image", help="A picture file of your own. May be repeated.", rich_help_panel=BASE_IMAGES),
]


def with_params(*choices: str, **arguments: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command `--params`, and an option for each key of some sections of params.yaml.

    The command takes the Params that they make as its first argument. A choice is a section, or `section.key`;
    `arguments` of the command itself may be keys, too.
    """
    hyperparameters = {
        option_name(section, key): (section, key) for choice in choices for section, key in section_keys(choice)
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()

        @functools.wraps(command)
        def called(params: Path | None, **given: Any) -> None:
            options: dict[str, dict[str, Any]] = {}
            for name, (section, key) in hyperparameters.items():
                if (value := given.pop(name)) not in (None, []):
                    options.setdefault(section, {})[key] = value
            for name, choice in arguments.items():
                if given[name] is not None:
                    section, key = choice.split(".")
                    options.setdefault(section, {})[key] = str(given[name])
            command(config.load_params(params, options), **given)

        made = [
            optional_parameter("params", ParamsFile),
            *(optional_parameter(name, option_annotation(*hyperparameters[name])) for name in hyperparameters),
        ]
        signature = inspect.Signature([*own, *made])
        called.__signature__ = signature  # type: ignore[attr-defined]
        called.__annotations__ = {entry.name: entry.annotation for entry in signature.parameters.values()}
        return called

    return decorate


def optional_parameter(name: str, annotation: Any) -> inspect.Parameter:
    """An option that is None unless it is given."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def section_keys(choice: str) -> Iterator[tuple[str, str]]:
    """Sections and keys of a choice; an objective's are its name and the knobs of them all."""
    section, _, key = choice.partition(".")
    if key:
        yield section, key
    elif section == "objective":
        yield section, "name"
        yield from ((section, hyperparameter.name) for cls in OBJECTIVES.values() for hyperparameter in fields(cls))  # type: ignore[arg-type]
    else:
        yield from ((section, entry.name) for entry in fields(SECTIONS[section]))


def option_name(section: str, key: str) -> str:
    """The option of a key: the name of an objective is chosen by `--objective`."""
    return section if key == "name" else key


def option_annotation(section: str, key: str) -> Any:
    """The annotation that makes Typer's option of a key."""
    if section == "objective" and key == "name":
        kind: Any = Literal[tuple(OBJECTIVES)]
        shown = f"What to minimise. Default: {config.DEFAULT_OBJECTIVE}."
    elif section == "objective":
        kind, shown = objective_option(key)
    else:
        kind, text, default = config.field_info(SECTIONS[section], key)
        unsaid = default is None or typing.get_origin(kind) is tuple
        shown = text if unsaid else f"{text} Default: {format_value(default)}."
    panel: dict[str, Any] = {"help": shown, "show_default": False, "rich_help_panel": section.capitalize()}
    if kind == Schedule:
        return Annotated[Any, typer.Option(*option_flags(key), parser=parse_schedule_option, metavar=SCHEDULE, **panel)]
    several = typing.get_origin(kind) is tuple
    return Annotated[list[str] | None if several else kind | None, typer.Option(*option_flags(key), **panel)]


def objective_option(key: str) -> tuple[Any, str]:
    """The kind of a key of objectives, and its help: what it is to each that has it, and by default."""
    entries = {name: config.field_info(cls, key) for name, cls in OBJECTIVES.items() if key in config.field_types(cls)}
    meanings: dict[str, list[str]] = {}
    for name, (_, text, default) in entries.items():
        meanings.setdefault(text.removesuffix("."), []).append(f"{name}: {format_value(default)}")
    kind = next(iter(entries.values()))[0]
    return kind, " ".join(f"{text} ({'; '.join(defaults)})." for text, defaults in meanings.items())


def parse_schedule_option(typed: str) -> Schedule:
    """A number or a path over steps, as it is typed."""
    try:
        return parse_schedule(typed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def option_flags(key: str) -> list[str]:
    """The names of an option where its key's is not all: one that may be repeated names one thing."""
    return {"metrics": ["--metric"], "learning_rate": ["--learning-rate", "--lr"]}.get(key, [])
