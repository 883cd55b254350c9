"""Study files: base parameters, a grid of settings, and seeds."""

import hashlib
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvae_cli import config
from bvae_cli.checkpoint import load_checkpoint, require_same_experiment
from bvae_cli.config import Settings
from bvae_cli.evaluation.record import is_up_to_date
from bvae_cli.evaluation.scoring import select_metrics
from bvae_cli.images.spec import DataSpec
from bvae_cli.objectives.schedule import format_value
from bvae_cli.params import MAX_SEED, Params
from bvae_cli.system.checks import shorten
from bvae_cli.system.errors import BvaeError

KEYS = ("base", "seeds", "grid")
UNSAFE = re.compile(r"[^\w.+-]")  # characters that are replaced in folder names
BRACKETS = re.compile(r"\[.*\]")
SEED = "train.seed"
MAX_SETTINGS, MAX_MODELS = 10_000, 100_000
MAX_NAME_BYTES = 200  # of a folder; file systems allow 255
BASE_SETTING = "base"  # name of the setting that changes nothing

Choices = Mapping[str, Any]
"""Values by `section.key`."""


@dataclass(frozen=True)
class Trial:
    """A model of a study."""

    setting: str
    choices: Mapping[str, str]  # the setting's values in the syntax of the command line, by label
    params: Params
    folder: Path

    @property
    def name(self) -> str:
        """Setting and seed."""
        return f"{self.setting}/{self.params.train.seed}"

    def is_finished(self, data: DataSpec | None = None) -> bool:
        """Return whether it is trained and evaluated, on `data` if that is known.

        Raises:
            BvaeError: its folder contains another experiment, or a model of other data.
        """
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return False
        checkpoint = load_checkpoint(path)
        require_same_experiment(checkpoint, path, self.params, data or checkpoint.spec)
        is_trained = checkpoint.step >= self.params.train.num_steps
        return is_trained and is_up_to_date(self.folder, path, data or checkpoint.spec, self.params.evaluate)


@dataclass(frozen=True)
class Study:
    """The models to train, ordered by setting."""

    folder: Path
    trials: Sequence[Trial]

    @property
    def settings(self) -> dict[str, list[Trial]]:
        """The models by setting."""
        groups: dict[str, list[Trial]] = {}
        for trial in self.trials:
            groups.setdefault(trial.setting, []).append(trial)
        return groups


def read_study(path: Path, options: Sequence[str] = (), seeds: int | None = None) -> Study:
    """Return the study of a YAML file; its runs are in runs/<name of the file>.

    Args:
        path: a YAML file with the keys `base`, the sections of a params file or the path of one next to it; `grid`, a
            mapping of `section.key` to a value or a list of values, or a list of such mappings; `seeds`, the number of
            seeds or a list of seeds.
        options: overrides `section.key=value` of the base.
        seeds: number of seeds, overriding the file.

    Raises:
        BvaeError: the file, its base or a setting is invalid, a metric is unknown, a key is set in two places, or two
            settings have the same folder.
    """
    content = config.read_mapping(path, "pass a study: a YAML file with the keys base, grid and seeds.")
    config.require_known_keys(f"{path}: ", content, KEYS, "a key of a study")
    overrides, settings = dict(map(parse_override, options)), grid_settings(content.get("grid", {}), path)
    require_no_conflict(settings, overrides, path)
    base = config.merge_settings(read_base(content.get("base", {}), path), group_by_section(overrides.items()))
    folder = Path("runs") / path.stem
    seed_list = parse_seeds(content.get("seeds", 1) if seeds is None else seeds, path)
    if len(settings) * len(seed_list) > MAX_MODELS:
        raise BvaeError(
            f"{path}: {len(settings):,} settings with {len(seed_list):,} seeds are more than {MAX_MODELS:,} models",
            "reduce the number of seeds, or divide the grid into several studies.",
        )
    trials = [trial for choices in settings for trial in make_trials(choices, base, seed_list, folder)]
    require_distinct_folders(trials, path)
    return Study(folder, trials)


def read_base(base: Any, path: Path) -> Settings:
    """Return the base parameters by section; raises BvaeError if they are invalid."""
    if isinstance(base, str):
        return config.read_sections(path.parent / base)
    return config.require_sections(base, path)


def parse_override(option: str) -> tuple[str, Any]:
    """Return key and value of `section.key=value`; raises BvaeError if there is no "="; [a, b] is a list."""
    key, equals, value = option.partition("=")
    if not equals:
        raise BvaeError(f"invalid option --set {option}", "use section.key=value, like --set train.steps=1000")
    items = [item.strip() for item in value.strip("[]").split(",")]
    return key, [item for item in items if item] if BRACKETS.fullmatch(value) else value


def parse_seeds(seeds: Any, path: Path) -> Sequence[int]:
    """Return the seeds, given their number or a list of them; raises BvaeError if they are invalid."""
    numbers = range(min(seeds, MAX_MODELS + 1)) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    is_valid_list = isinstance(numbers, list | range) and 0 < len(numbers) <= MAX_MODELS
    if not is_valid_list or not all(map(is_seed, numbers)) or len(set(numbers)) < len(numbers):
        raise BvaeError(
            f"{path}: invalid seeds: {shorten(repr(seeds))}",
            "write a number of seeds or a list of distinct seeds, like seeds: 5",
        )
    return numbers


def is_seed(number: Any) -> bool:
    """Return whether a value is a valid seed of the random number generators."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_SEED


def grid_settings(grid: Any, path: Path) -> list[Choices]:
    """Return the settings of one or several grids: all combinations of their values.

    Raises:
        BvaeError: the grid is invalid.
    """
    grids = grid if isinstance(grid, list) else [grid]
    if not grids or not all(isinstance(each, dict) for each in grids):
        raise BvaeError(
            f"{path}: invalid grid: {shorten(repr(grid))}",
            "map keys to lists of values, like grid: {objective.beta: [1, 4, 16]}",
        )
    values = [grid_values(each, path) for each in grids]
    require_at_most_settings(sum(math.prod(map(len, each.values())) for each in values), path)
    return [choices for each in values for choices in combinations(each)]


def require_at_most_settings(count: int, path: Path) -> None:
    """Raise BvaeError, before any is built, if a study has too many settings."""
    if count > MAX_SETTINGS:
        raise BvaeError(
            f"{path}: its grid has {count:,} settings; the maximum is {MAX_SETTINGS:,}",
            "divide it into several studies.",
        )


def require_no_conflict(settings: Iterable[Choices], overrides: Choices, path: Path) -> None:
    """Raise BvaeError if an override or a setting would have no effect because another value takes precedence."""
    varied = {key for choices in settings for key in choices}
    if SEED in varied | overrides.keys():
        raise BvaeError(
            f"{path}: {SEED} is unsupported in a grid and in --set", "use the key seeds of the study, or --seeds N"
        )
    for key in varied & overrides.keys():
        raise BvaeError(f"--set {key} has no effect: it is set by the grid of {path}", f"remove --set {key}=…")


def grid_values(grid: Choices, path: Path) -> Mapping[str, list[Any]]:
    """Return the values of each key of a grid; raises BvaeError if a key has no values or nested values."""
    values = {str(key): value if isinstance(value, list) else [value] for key, value in grid.items()}
    for key, options in values.items():
        if not options or any(isinstance(value, list | dict) for value in options):
            raise BvaeError(
                f"{path}: grid.{key} must be a value or a list of values, not {shorten(repr(options))}",
                "write a schedule as a string: 0:30,3000:4",
            )
    return values


def combinations(values: Mapping[str, list[Any]]) -> list[Choices]:
    """Return all combinations of the values of a grid."""
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def make_trials(choices: Choices, base: Settings, seeds: Sequence[int], folder: Path) -> list[Trial]:
    """Return the models of a setting, one per seed; raises BvaeError if a key, a value or a metric is invalid."""
    params = config.build_params(config.merge_settings(base, group_by_section(choices.items())))
    select_metrics(params.evaluate.metrics)
    labels = {option_label(key): format_value(value) for key, value in choices.items()}
    setting = setting_name(labels)
    params_by_seed = {seed: replace(params, train=replace(params.train, seed=seed)) for seed in seeds}
    return [Trial(setting, labels, params, folder / setting / str(seed)) for seed, params in params_by_seed.items()]


def setting_name(labels: Mapping[str, str]) -> str:
    """Return the name of a setting and of its folder; a long one is shortened, with a hash in place of its end."""
    name = ",".join(f"{label}={UNSAFE.sub('_', value)}" for label, value in labels.items()) or BASE_SETTING
    encoded = name.encode()
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    end = f"…{hashlib.sha256(encoded).hexdigest()[:8]}"
    return encoded[: MAX_NAME_BYTES - len(end.encode())].decode(errors="ignore") + end


def group_by_section(choices: Iterable[tuple[str, Any]]) -> Settings:
    """Return values by section and key; raises BvaeError if a key has no section."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in choices:
        section, dot, key = name.partition(".")
        if not dot:
            raise BvaeError(f"invalid key {name}: it has no section", "write it as section.key, like objective.beta")
        sections.setdefault(section, {})[key] = value
    return sections


def option_label(key: str) -> str:
    """Return the label of a key in folder names and tables: its name without the section."""
    section, _, name = key.partition(".")
    return section if name == "name" else name


def require_distinct_folders(trials: Sequence[Trial], path: Path) -> None:
    """Raise BvaeError if two models have the same folder."""
    seen: set[Path] = set()
    for trial in trials:
        if trial.folder in seen:
            raise BvaeError(f"{path}: two settings have the name {trial.setting}", "remove one of them from the grid.")
        seen.add(trial.folder)
