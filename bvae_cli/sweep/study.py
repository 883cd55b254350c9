"""What a study trains: a base, a grid of settings, and seeds."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bvae_cli import config
from bvae_cli.checkpoint import load_checkpoint, require_same_experiment
from bvae_cli.config import Settings
from bvae_cli.evaluation.evaluator import read_results as read_scores
from bvae_cli.evaluation.scoring import select_metrics as metrics_of
from bvae_cli.objectives.schedule import format_value
from bvae_cli.params import MAX_SEED, Params
from bvae_cli.system.errors import BvaeError

KEYS = ("base", "seeds", "grid")
UNSAFE = re.compile(r"[^\w.+-]")  # in the name of a folder
BRACKETS = re.compile(r"\[.*\]")
SEED = "train.seed"
MAX_SEEDS = 100_000
BASE_SETTING = "base"  # the name of a setting that changes nothing

Choices = Mapping[str, Any]
"""Values of `section.key`."""


@dataclass(frozen=True)
class Trial:
    """A model of a study."""

    setting: str
    choices: Mapping[str, str]  # what the setting lays over the base, as it is typed
    params: Params
    folder: Path

    @property
    def name(self) -> str:
        """The setting and the seed."""
        return f"{self.setting}/{self.params.train.seed}"

    def is_finished(self) -> bool:
        """Whether it is trained and scored; raises BvaeError where its folder holds another experiment."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return False
        checkpoint = load_checkpoint(path)
        require_same_experiment(checkpoint, path, self.params, checkpoint.spec)
        return checkpoint.step >= self.params.train.num_steps and self.has_scores(bool(checkpoint.spec.factors))

    def has_scores(self, supervised: bool) -> bool:
        """Whether it has all scores that are asked for, of those that need factors where there are some."""
        if not (self.folder / "metrics.json").exists():
            return False
        pending_signal = metrics_of(self.params.evaluate.metrics).values()
        wanted = {
            score
            for metric in pending_signal
            if supervised or not metric.is_supervised
            for score in metric.descriptions
        }
        return wanted <= read_scores(self.folder).scores.values.keys()


@dataclass(frozen=True)
class Study:
    """Models to train, those of a setting together."""

    folder: Path
    trials: Sequence[Trial]

    @property
    def settings(self) -> dict[str, list[Trial]]:
        """The models of each setting."""
        together: dict[str, list[Trial]] = {}
        for trial in self.trials:
            together.setdefault(trial.setting, []).append(trial)
        return together


def read_study(path: Path, options: Sequence[str] = (), seeds: int | None = None) -> Study:
    """The study of a file, whose runs are in runs/<its name>.

    Args:
        path: a YAML file with the keys `base`, a params file beside it or its sections; `grid`, a mapping of
            `section.key` to a value or a list of values, or a list of such mappings; `seeds`, how many, or which.
        options: texts `section.key=value`, laid over the base.
        seeds: how many, in place of the file's.

    Raises:
        BvaeError: the file, its base or a setting is not sound, there is no such metric, a key is chosen in two places,
            or two settings would have one folder.
    """
    content = config.read_yaml(path, "name the file of a study; there are some in pipelines/studies.")
    config.require_known_keys(f"{path}: ", content, KEYS, "a key of a study")
    overrides, settings = dict(map(parse_override, options)), grid_settings(content.get("grid", {}), path)
    require_no_conflict(settings, overrides, path)
    base = config.merge_settings(read_base(content.get("base", {}), path), group_by_section(overrides.items()))
    folder = Path("runs") / path.stem
    wanted = parse_seeds(content.get("seeds", 1) if seeds is None else seeds, path)
    trials = [trial for choices in settings for trial in make_trials(choices, base, wanted, folder)]
    require_distinct_folders(trials, path)
    return Study(folder, trials)


def read_base(base: Any, path: Path) -> Settings:
    """The sections that all settings are laid over; raises BvaeError where there are none."""
    if isinstance(base, str):
        return config.read_sections(path.parent / base)
    return config.require_sections(base, path)


def parse_override(option: str) -> tuple[str, Any]:
    """A key and its value, which may be a list in brackets; raises BvaeError where a text is not both."""
    key, equals, value = option.partition("=")
    if not equals:
        raise BvaeError(f"--set {option} is no section.key=value", "for example: --set train.steps=1000")
    words = [word.strip() for word in value.strip("[]").split(",")]
    return key, [word for word in words if word] if BRACKETS.fullmatch(value) else value


def parse_seeds(seeds: Any, path: Path) -> Sequence[int]:
    """The seeds that a number of them, or a list, stands for; raises BvaeError where it is neither."""
    numbers = range(min(seeds, MAX_SEEDS + 1)) if isinstance(seeds, int) and not isinstance(seeds, bool) else seeds
    several = isinstance(numbers, list | range) and 0 < len(numbers) <= MAX_SEEDS
    if not several or not all(map(is_seed, numbers)) or len(set(numbers)) < len(numbers):
        raise BvaeError(f"{path}: seeds must be how many, or a list of them, not {seeds!r}", "for example: seeds: 5")
    return numbers


def is_seed(number: Any) -> bool:
    """Whether generators of random numbers take it."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_SEED


def grid_settings(grid: Any, path: Path) -> list[Choices]:
    """Each combination of the values of a grid, or of several; raises BvaeError where it is none."""
    grids = grid if isinstance(grid, list) else [grid]
    if not grids or not all(isinstance(each, dict) for each in grids):
        raise BvaeError(
            f"{path}: grid must hold keys with their values", "for example: grid: {objective.beta: [1, 4, 16]}"
        )
    return [choices for each in grids for choices in combinations(each, path)]


def require_no_conflict(settings: Iterable[Choices], overrides: Choices, path: Path) -> None:
    """Raise BvaeError where what is laid over the base, or a setting, would be hidden by what comes after it."""
    varied = {key for choices in settings for key in choices}
    if SEED in varied | overrides.keys():
        raise BvaeError(
            f"{path}: {SEED} is for no setting to choose", "say which with seeds:, or how many with --seeds."
        )
    for key in varied & overrides.keys():
        raise BvaeError(f"--set {key} would have no effect: the grid of {path} chooses it", "leave it out.")


def combinations(grid: Choices, path: Path) -> list[Choices]:
    """Each combination of the values of a mapping; raises BvaeError where a key has none."""
    values = {str(key): value if isinstance(value, list) else [value] for key, value in grid.items()}
    for key, several in values.items():
        if not several or any(isinstance(value, list | dict) for value in several):
            raise BvaeError(
                f"{path}: grid.{key} must be a value or a list of values, not {grid[key]!r}",
                "a path over steps is written as it is typed: 0:30,3000:4",
            )
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def make_trials(choices: Choices, base: Settings, seeds: Sequence[int], folder: Path) -> list[Trial]:
    """The models of a setting; raises BvaeError where a key or a value is not one, or there is no such metric."""
    params = config.build_params(config.merge_settings(base, group_by_section(choices.items())))
    metrics_of(params.evaluate.metrics)
    shown = {option_label(key): format_value(value) for key, value in choices.items()}
    setting = ",".join(f"{key}={UNSAFE.sub('_', value)}" for key, value in shown.items()) or BASE_SETTING
    seeded = {seed: replace(params, train=replace(params.train, seed=seed)) for seed in seeds}
    return [Trial(setting, shown, params, folder / setting / str(seed)) for seed, params in seeded.items()]


def group_by_section(choices: Iterable[tuple[str, Any]]) -> Settings:
    """Values by section and key; raises BvaeError where a key has no section."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in choices:
        section, dot, key = name.partition(".")
        if not dot:
            raise BvaeError(f"{name} is no key of a section", "write it as section.key, like objective.beta.")
        sections.setdefault(section, {})[key] = value
    return sections


def option_label(key: str) -> str:
    """A key as its option is called."""
    section, _, name = key.partition(".")
    return section if name == "name" else name


def require_distinct_folders(trials: Sequence[Trial], path: Path) -> None:
    """Raise BvaeError where two models would have one folder."""
    seen: set[Path] = set()
    for trial in trials:
        if trial.folder in seen:
            raise BvaeError(f"{path}: two settings are called {trial.setting}", "leave one of them out.")
        seen.add(trial.folder)
