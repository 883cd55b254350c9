"""What a study found: the scores of each model, and of each setting over its seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.evaluation.evaluator import read_results
from bvae_cli.report.score_groups import ScoreInfo
from bvae_cli.report.udr import udr_of_models
from bvae_cli.sweep.study import Study, Trial
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_csv
from bvae_cli.system.reporting import ProgressCallback, ignore_progress


@dataclass(frozen=True)
class ModelResult:
    """A model of a study, and what it scores; nothing where it is not finished."""

    trial: Trial
    scores: Mapping[str, float]
    failure: str = ""


@dataclass(frozen=True)
class ScoreSummary:
    """A score of a setting over its models."""

    setting: str
    score: str
    values: Mapping[int, float]  # by seed

    @property
    def mean(self) -> float:
        """Over the models."""
        return float(np.mean(list(self.values.values())))

    @property
    def std(self) -> float | None:
        """The standard deviation over the models, by n − 1; None of one."""
        return float(np.std(list(self.values.values()), ddof=1)) if len(self.values) > 1 else None

    @property
    def best_seed(self) -> int | None:
        """The seed of the best model; None where neither way is better."""
        better = ScoreInfo(self.score, "", "").better
        pick = {"higher": max, "lower": min}.get(better)
        return pick(self.values, key=lambda seed: self.values[seed]) if pick else None


def collect_results(
    study: Study, failures: Mapping[str, str], data: Path, report: ProgressCallback
) -> list[ModelResult]:
    """What each model scores, with its udr among those of its setting, where the data of a study lie in a folder."""
    models = [
        ModelResult(trial, {} if trial.name in failures else read_model_scores(trial), failures.get(trial.name, ""))
        for trial in study.trials
    ]
    likeness: dict[str, float] = {}
    for number, trials in enumerate(study.settings.values()):
        report("udr", number + 1, len(study.settings))
        likeness |= setting_udr([trial for trial in trials if trial.name not in failures], data)
    return [
        replace(model, scores={**model.scores, "udr": likeness[model.trial.name]})
        if model.scores and model.trial.name in likeness
        else model
        for model in models
    ]


def read_model_scores(trial: Trial) -> dict[str, float]:
    """The scores of a model; none where it is not finished."""
    try:
        return {name: value for name, value in read_results(trial.folder).scores.values.items() if name != "udr"}
    except BvaeError:
        return {}


def setting_udr(trials: Sequence[Trial], data: Path) -> dict[str, float]:
    """The udr of the finished models of a setting, by name; none where there are not two, or their data are gone."""
    done = [trial for trial in trials if (trial.folder / "metrics.json").exists()]
    try:
        models = [load_checkpoint(trial.folder / "checkpoint.pt") for trial in done]
        ranking = udr_of_models(models, data, ignore_progress) if len(models) > 1 else []
    except BvaeError:
        return {}
    return {trial.name: score for trial, score in zip(done, ranking, strict=False)}


def summarize_scores(models: Sequence[ModelResult]) -> list[ScoreSummary]:
    """Each score of each setting."""
    together: dict[tuple[str, str], dict[int, float]] = {}
    for model in models:
        for score, value in model.scores.items():
            together.setdefault((model.trial.setting, score), {})[model.trial.params.train.seed] = value
    return [ScoreSummary(setting, score, values) for (setting, score), values in together.items()]


def write_results(study: Study, models: Sequence[ModelResult], those: Sequence[ScoreSummary]) -> None:
    """Write scores.csv, a line a model, and summary.csv, a line a score of a setting."""
    keys = list(dict.fromkeys(key for trial in study.trials for key in trial.choices))
    scores = list(dict.fromkeys(score for model in models for score in model.scores))
    heading = ["setting", *keys, "seed", "steps", *scores, "failure"]
    write_csv(study.folder / "scores.csv", heading, (result_row(model, keys, scores) for model in models))
    heading = ["setting", "score", "mean", "std", "n_seeds", "best_value", "best_seed"]
    write_csv(study.folder / "summary.csv", heading, summary_rows(those))


def result_row(model: ModelResult, keys: Sequence[str], scores: Sequence[str]) -> list[object]:
    """A model's line of scores.csv."""
    trial, train = model.trial, model.trial.params.train
    chosen, values = (trial.choices.get(key) for key in keys), (model.scores.get(score) for score in scores)
    return [trial.setting, *chosen, train.seed, train.num_steps if model.scores else None, *values, model.failure]


def summary_rows(those: Sequence[ScoreSummary]) -> Iterator[list[object]]:
    """The lines of summary.csv."""
    for tally in those:
        best = tally.best_seed
        value = None if best is None else tally.values[best]
        yield [tally.setting, tally.score, tally.mean, tally.std, len(tally.values), value, best]
