"""What a study found: the scores of each model, and of each setting over its seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bvae_cli.checkpoint import load
from bvae_cli.evaluation.evaluating import read
from bvae_cli.report.explained import Score
from bvae_cli.report.likeness import ranked
from bvae_cli.sweep.study import Study, Trial
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_csv
from bvae_cli.system.reporting import Report, silent


@dataclass(frozen=True)
class Found:
    """A model of a study, and what it scores; nothing where it is not finished."""

    trial: Trial
    scores: Mapping[str, float]
    failure: str = ""


@dataclass(frozen=True)
class Tally:
    """A score of a setting over its models."""

    setting: str
    score: str
    values: Mapping[int, float]  # by seed

    @property
    def mean(self) -> float:
        """Over the models."""
        return float(np.mean(list(self.values.values())))

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the models, by n − 1; None of one."""
        return float(np.std(list(self.values.values()), ddof=1)) if len(self.values) > 1 else None

    @property
    def best(self) -> int | None:
        """The seed of the best model; None where neither way is better."""
        better = Score(self.score, "", "").better
        pick = {"higher": max, "lower": min}.get(better)
        return pick(self.values, key=lambda seed: self.values[seed]) if pick else None


def found(study: Study, failures: Mapping[str, str], data: Path, report: Report) -> list[Found]:
    """What each model scores, with its udr among those of its setting, where the data of a study lie in a folder."""
    models = [
        Found(trial, {} if trial.name in failures else scores_of(trial), failures.get(trial.name, ""))
        for trial in study.trials
    ]
    likeness: dict[str, float] = {}
    for number, trials in enumerate(study.settings.values()):
        report("udr", number + 1, len(study.settings))
        likeness |= alike([trial for trial in trials if trial.name not in failures], data)
    return [
        replace(model, scores={**model.scores, "udr": likeness[model.trial.name]})
        if model.scores and model.trial.name in likeness
        else model
        for model in models
    ]


def scores_of(trial: Trial) -> dict[str, float]:
    """The scores of a model; none where it is not finished."""
    try:
        return {name: value for name, value in read(trial.folder).scores.values.items() if name != "udr"}
    except BvaeError:
        return {}


def alike(trials: Sequence[Trial], data: Path) -> dict[str, float]:
    """The udr of the finished models of a setting, by name; none where there are not two, or their data are gone."""
    done = [trial for trial in trials if (trial.folder / "metrics.json").exists()]
    try:
        models = [load(trial.folder / "checkpoint.pt") for trial in done]
        ranking = ranked(models, data, silent) if len(models) > 1 else []
    except BvaeError:
        return {}
    return {trial.name: score for trial, score in zip(done, ranking, strict=False)}


def tallies(models: Sequence[Found]) -> list[Tally]:
    """Each score of each setting."""
    together: dict[tuple[str, str], dict[int, float]] = {}
    for model in models:
        for score, value in model.scores.items():
            together.setdefault((model.trial.setting, score), {})[model.trial.params.train.seed] = value
    return [Tally(setting, score, values) for (setting, score), values in together.items()]


def write(study: Study, models: Sequence[Found], those: Sequence[Tally]) -> None:
    """Write scores.csv, a line a model, and table.csv, a line a score of a setting."""
    keys = list(dict.fromkeys(key for trial in study.trials for key in trial.choices))
    scores = list(dict.fromkeys(score for model in models for score in model.scores))
    heading = ["setting", *keys, "seed", "steps", *scores, "failure"]
    write_csv(study.folder / "scores.csv", heading, (row(model, keys, scores) for model in models))
    heading = ["setting", "score", "mean", "deviation", "models", "best", "best_seed"]
    write_csv(study.folder / "table.csv", heading, lines(those))


def row(model: Found, keys: Sequence[str], scores: Sequence[str]) -> list[object]:
    """A model's line of scores.csv."""
    trial, train = model.trial, model.trial.params.train
    chosen, values = (trial.choices.get(key) for key in keys), (model.scores.get(score) for score in scores)
    return [trial.setting, *chosen, train.seed, train.taken if model.scores else None, *values, model.failure]


def lines(those: Sequence[Tally]) -> Iterator[list[object]]:
    """The lines of table.csv."""
    for tally in those:
        best = tally.best
        value = None if best is None else tally.values[best]
        yield [tally.setting, tally.score, tally.mean, tally.deviation, len(tally.values), value, best]
