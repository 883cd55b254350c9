"""Runs grouped by setting: runs of one setting differ only in the seed."""

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
    """Runs that differ only in the seed."""

    records: Sequence[RunRecord]
    style: LineStyle  # of their curves

    @property
    def title(self) -> str:
        """The name of the first run, and the number of further runs."""
        first, *more = self.records
        return f"{first.name} and {len(more)} more" if more else first.name


@dataclass(frozen=True)
class SettingScore:
    """A score averaged over the runs of a setting."""

    mean: float
    std: float | None  # over the runs (n − 1); None if there is one run
    count: int  # runs that have the score
    is_best: bool = False  # among all settings


def group_by_setting(records: Iterable[RunRecord]) -> list[Setting]:
    """Return runs grouped by setting, in the given order."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(repr(run_facts(record.checkpoint)), []).append(record)
    return [Setting(group, style) for group, style in zip(groups.values(), line_styles(), strict=False)]


def run_facts(checkpoint: Checkpoint) -> dict[str, str]:
    """Return everything that identifies a run's setting: data, program, steps and parameters, without the seed."""
    values = {entry.key: entry.value for entry in parameters(checkpoint) if entry.key != SEED}
    return {
        "data": f"{checkpoint.spec.name}: {describe_images(checkpoint.spec)}",
        "trained with": checkpoint.imported_from or "bvae",
        "steps": f"{checkpoint.step:,}",
    } | values


def find_seed(checkpoint: Checkpoint) -> str:
    """Return the seed of a run; empty if it is unknown."""
    train = known_settings(checkpoint).get("train")
    return str(train["seed"]) if train else ""


def differences(settings: Sequence[Setting]) -> dict[str, list[str]]:
    """Return what differs between settings: by name the value in each setting, empty if a setting has none."""
    facts = [run_facts(setting.records[0].checkpoint) for setting in settings]
    names = list(dict.fromkeys(name for each in facts for name in each))
    values = {name: [each.get(name, "") for each in facts] for name in names}
    return {name: row for name, row in values.items() if len(set(row)) > 1}


def setting_scores(
    score: ScoreInfo, settings: Sequence[Setting], scores: Mapping[str, Mapping[str, float]]
) -> list[SettingScore | None]:
    """Return the average of a score in each setting; None if no run of the setting has the score.

    Args:
        score: the score to average.
        settings: the settings.
        scores: score values by run name and score name.
    """
    averages = [
        average_scores([scores[record.name].get(score.name) for record in setting.records]) for setting in settings
    ]
    means = [each.mean for each in averages if each and math.isfinite(each.mean)]
    if not score.better or len(set(means)) < 2:
        return averages
    best = max(means) if score.better == "higher" else min(means)
    return [each and SettingScore(each.mean, each.std, each.count, each.mean == best) for each in averages]


def average_scores(values: Sequence[float | None]) -> SettingScore | None:
    """Return mean and standard deviation (n − 1) of the values that are not None; None if there are none."""
    present = [value for value in values if value is not None]
    if not present:
        return None
    std = float(np.std(present, ddof=1)) if len(present) > 1 else None
    return SettingScore(float(np.mean(present)), std, len(present))
