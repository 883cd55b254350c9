"""Several runs, those that differ in their seed alone taken together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bvae_cli.checkpoint import Checkpoint, known_settings
from bvae_cli.report.charts import LineStyle, line_styles
from bvae_cli.report.parameters import parameters
from bvae_cli.report.run_record import RunRecord
from bvae_cli.report.score_groups import ScoreInfo
from bvae_cli.report.summary import describe_images

SEED = "train.seed"


@dataclass(frozen=True)
class Setting:
    """Runs that differ in their seed alone."""

    records: Sequence[RunRecord]
    style: LineStyle  # of their curves

    @property
    def title(self) -> str:
        """The run, or the first of them and how many more there are."""
        first, *more = self.records
        return f"{first.name} and {len(more)} more" if more else first.name


@dataclass(frozen=True)
class SettingScore:
    """A score over the runs of a setting."""

    mean: float
    std: float | None  # over the runs; None of one
    count: int
    is_best: bool = False  # among the settings


def group_by_setting(records: Iterable[RunRecord]) -> list[Setting]:
    """Runs by setting, both in the order in which they are named."""
    together: dict[str, list[RunRecord]] = {}
    for record in records:
        together.setdefault(repr(run_facts(record.checkpoint)), []).append(record)
    return [Setting(group, style) for group, style in zip(together.values(), line_styles(), strict=False)]


def run_facts(checkpoint: Checkpoint) -> dict[str, str]:
    """All that makes a run what it is, but for its seed."""
    facts_of = {entry.key: entry.value for entry in parameters(checkpoint) if entry.key != SEED}
    return {
        "data": f"{checkpoint.spec.name}: {describe_images(checkpoint.spec)}",
        "made by": checkpoint.imported_from or "bvae",
        "steps done": f"{checkpoint.step:,}",
    } | facts_of


def find_seed(checkpoint: Checkpoint) -> str:
    """The seed of a run, where it is known."""
    train = known_settings(checkpoint).get("train")
    return str(train["seed"]) if train else ""


def differences(settings: Sequence[Setting]) -> dict[str, list[str]]:
    """What is not the same in all settings: by name what it is in each, nothing where a setting has no such thing."""
    facts_of = [run_facts(setting.records[0].checkpoint) for setting in settings]
    names = list(dict.fromkeys(name for each in facts_of for name in each))
    values = {name: [each.get(name, "") for each in facts_of] for name in names}
    return {name: row for name, row in values.items() if len(set(row)) > 1}


def setting_scores(
    score: ScoreInfo, settings: Sequence[Setting], scores: Mapping[str, Mapping[str, float]]
) -> list[SettingScore | None]:
    """A score in each setting; None where no run of it has one.

    Args:
        score: which.
        settings: the settings.
        scores: of each run, by its name, the scores by theirs.
    """
    tallies = [
        average_scores([scores[record.name].get(score.name) for record in setting.records]) for setting in settings
    ]
    means = [each.mean for each in tallies if each and math.isfinite(each.mean)]
    if not score.better or len(set(means)) < 2:
        return tallies
    best = max(means) if score.better == "higher" else min(means)
    return [each and SettingScore(each.mean, each.std, each.count, each.mean == best) for each in tallies]


def average_scores(values: Sequence[float | None]) -> SettingScore | None:
    """The mean and the standard deviation, by n - 1, of the values that there are."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    return SettingScore(float(np.mean(there)), float(np.std(there, ddof=1)) if len(there) > 1 else None, len(there))
