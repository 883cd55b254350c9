"""What an experiment is: defaults, params.yaml and options meet here, in this order, and nowhere else."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml

from bvae_cli.datasets import DATASETS
from bvae_cli.errors import BvaeError
from bvae_cli.objectives import OBJECTIVES, Objective
from bvae_cli.objectives.beta import Beta

Section = TypeVar("Section")
Settings = Mapping[str, Mapping[str, Any]]
"""Section, key, value."""


def at_least(section: Any, minimum: float, *keys: str) -> None:
    """Raise ValueError, naming the key, where a value is below the minimum or no finite number."""
    for key in keys:
        value = getattr(section, key)
        if not minimum <= value < math.inf:
            raise ValueError(f"{key} must be at least {minimum:g}, not {value:g}")


@dataclass(frozen=True)
class Dataset:
    """Which pictures."""

    name: Annotated[str, "Data set."] = "dsprites"
    source: Annotated[str | None, "Where to take it from. Default: the first of its sources."] = None
    file: Annotated[str | None, "Your own file of it, in place of a source."] = None

    def __post_init__(self) -> None:
        one_of("name", self.name, DATASETS)
        if self.source is not None:
            one_of("source", self.source, DATASETS[self.name].sources)


@dataclass(frozen=True)
class Model:
    """Which network."""

    net: Annotated[Literal["burgess", "higgins", "conv_h", "locatello"], "Architecture."] = "burgess"
    latent_dim: Annotated[int, "Number of latents."] = 10
    likelihood: Annotated[
        Literal["bernoulli", "gaussian", "laplace"] | None, "Likelihood of a pixel. Default: the data set's own."
    ] = None

    def __post_init__(self) -> None:
        at_least(self, 1, "latent_dim")


@dataclass(frozen=True)
class Train:
    """How the network is fitted, by Adam."""

    steps: Annotated[int, "Gradient updates."] = 300_000
    batch_size: Annotated[int, "Images a step."] = 64
    learning_rate: Annotated[float, "Adam's step size."] = 5e-4
    warmup_steps: Annotated[int, "Steps at the start in which the rate rises from zero."] = 0
    decay_steps: Annotated[int, "Steps at the end in which the rate falls to zero."] = 0
    precision: Annotated[Literal["float32", "bfloat16"], "Arithmetic of the networks."] = "float32"
    seed: Annotated[int, "Seed of the weights, the order of the images and the noise."] = 0
    log_every: Annotated[int, "Steps that a line of history.csv is a mean of."] = 100

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "batch_size", "log_every")
        at_least(self, 0, "learning_rate", "warmup_steps", "decay_steps", "seed")


@dataclass(frozen=True)
class Evaluate:
    """How a checkpoint is scored."""

    seed: Annotated[int, "Seed of the noise and of what the metrics draw."] = 0

    def __post_init__(self) -> None:
        at_least(self, 0, "seed")


@dataclass(frozen=True)
class Traverse:
    """How latents are moved."""

    start: Annotated[Literal["posterior", "prior"], "What is held: the codes of images, or draws of the prior."] = (
        "posterior"
    )
    range: Annotated[Literal["prior", "data"], "How far: --span either way, or what the data spans."] = "prior"
    span: Annotated[float, "End of the range, in standard deviations of the prior."] = 3.0
    images: Annotated[int, "Images or draws side by side."] = 3
    columns: Annotated[int, "Values of a latent across the PNG."] = 7
    frames: Annotated[int, "Frames of a GIF, there and back."] = 60
    fps: Annotated[int, "Frames a second."] = 20
    seed: Annotated[int, "Seed of the draws of the prior."] = 0

    def __post_init__(self) -> None:
        at_least(self, 1, "images", "fps")
        at_least(self, 2, "columns", "frames")
        at_least(self, 0, "span", "seed")


@dataclass(frozen=True)
class Reconstruct:
    """Which images are shown beside their reconstructions."""

    images: Annotated[int, "Number of images."] = 12

    def __post_init__(self) -> None:
        at_least(self, 1, "images")


@dataclass(frozen=True)
class Params:
    """A whole experiment, one field a section of params.yaml."""

    dataset: Dataset = field(default_factory=Dataset)
    model: Model = field(default_factory=Model)
    objective: Objective = field(default_factory=Beta)
    train: Train = field(default_factory=Train)
    evaluate: Evaluate = field(default_factory=Evaluate)
    traverse: Traverse = field(default_factory=Traverse)
    reconstruct: Reconstruct = field(default_factory=Reconstruct)


SECTIONS: dict[str, type[Any]] = {
    "dataset": Dataset,
    "model": Model,
    "train": Train,
    "evaluate": Evaluate,
    "traverse": Traverse,
    "reconstruct": Reconstruct,
}


def load(path: Path | None, options: Settings) -> Params:
    """The experiment of a params file, or of ./params.yaml where there is one, with options laid over it.

    Raises:
        BvaeError: the file cannot be read, or a key or a value is not one.
    """
    if path is None and Path("params.yaml").is_file():
        path = Path("params.yaml")
    return build(overlay(read(path) if path else {}, options))


def read(path: Path) -> Settings:
    """The sections of a params file; raises BvaeError where it is none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise BvaeError(f"cannot read {path}: {error}", "name a params file with --params.") from error
    except yaml.YAMLError as error:
        raise BvaeError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise BvaeError(f"{path} holds no sections", "start from the params.yaml of this project.")
    for section, settings in content.items():
        if not isinstance(settings, dict | None):
            raise BvaeError(f"{path}: {section} must be a section with keys of its own, not {settings!r}")
    return {section: settings or {} for section, settings in content.items()}


def overlay(settings: Settings, options: Settings) -> Settings:
    """Settings with options in their place; knobs of one objective do not outlive the choice of another."""
    merged = dict(settings)
    for section, chosen in options.items():
        below = settings.get(section, {})
        if section == "objective" and chosen.get("name", below.get("name")) != below.get("name"):
            below = {}
        merged[section] = {**below, **chosen}
    return merged


def build(settings: Settings) -> Params:
    """Params of plain settings; raises BvaeError, with the nearest right name, where a key or a value is not one."""
    refuse_unknown("", settings, [*SECTIONS, "objective"], "a section")
    sections = {name: build_section(cls, settings.get(name, {}), name) for name, cls in SECTIONS.items()}
    return Params(objective=build_objective(settings.get("objective", {})), **sections)


def build_objective(settings: Mapping[str, Any]) -> Objective:
    """The objective that `name` names, β-VAE unless told otherwise, with its knobs."""
    name = settings.get("name", "beta")
    try:
        one_of("name", name, OBJECTIVES)
    except ValueError as error:
        raise BvaeError(f"objective.{error}") from error
    knobs = {key: value for key, value in settings.items() if key != "name"}
    for key in knobs:
        owners = [owner for owner, cls in OBJECTIVES.items() if key in field_types(cls)]
        if owners and name not in owners:
            raise BvaeError(
                f"objective.{key} is not a parameter of the objective '{name}'",
                f"it belongs to '{owners[0]}': --objective {owners[0]}, or name: {owners[0]} in the params file.",
            )
    return build_section(OBJECTIVES[name], knobs, "objective")


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


def convert(value: Any, kind: Any, key: str) -> Any:
    """A YAML value as what its field is annotated with: 1e-4, which YAML calls a string, is a number here."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        inner = next(arm for arm in typing.get_args(kind) if arm is not types.NoneType)
        return None if value is None else convert(value, inner, key)
    if typing.get_origin(kind) is Literal:
        try:
            return one_of(key, value, typing.get_args(kind))
        except ValueError as error:
            raise BvaeError(str(error)) from error
    try:
        return CONVERTERS[kind](value)
    except (TypeError, ValueError, OverflowError):
        raise BvaeError(f"{key} must be {NOUNS[kind]}, not {value!r}") from None


def number(value: Any) -> float:
    """A float; a truth value is none."""
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def whole(value: Any) -> int:
    """An int, 1e5 among them; 1.5 is none."""
    if number(value) != int(number(value)):
        raise ValueError
    return int(number(value)) if not isinstance(value, int) else value


def word(value: Any) -> str:
    """A string as it is."""
    if not isinstance(value, str):
        raise TypeError
    return value


CONVERTERS: dict[Any, Any] = {float: number, int: whole, str: word}
NOUNS: dict[Any, str] = {float: "a number", int: "a whole number", str: "a word"}


def one_of(key: str, value: Any, choices: Iterable[str]) -> Any:
    """The value, or ValueError with the nearest choice and all of them."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"{key} cannot be {value!r}{nearest(value, choices)} There are: {', '.join(choices)}.")
    return value


def refuse_unknown(prefix: str, settings: Mapping[str, Any], known: Iterable[str], noun: str) -> None:
    """Raise BvaeError, with the nearest right name, at the first key that is not known."""
    known = list(known)
    for key in settings:
        if key not in known:
            hint = f"there are: {', '.join(known)}." if known else "it takes none."
            raise BvaeError(f"{prefix}{key} is not {noun}{nearest(key, known, prefix)}", hint)


def nearest(name: Any, choices: Iterable[str], prefix: str = "") -> str:
    """How a message goes on after a wrong name."""
    close = difflib.get_close_matches(str(name), list(choices), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else "."


def to_dict(params: Params) -> dict[str, dict[str, Any]]:
    """Params as plain settings that `build` takes, every default filled in."""
    sections: dict[str, dict[str, Any]] = dataclasses.asdict(params)
    name = next(name for name, cls in OBJECTIVES.items() if type(params.objective) is cls)
    return sections | {"objective": {"name": name, **sections["objective"]}}
