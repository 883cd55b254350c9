"""Results of a study: the scores of each model, and their mean and std over the seeds of each setting."""

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
    """A model of a study with its scores, which are empty if it is not finished."""

    trial: Trial
    scores: Mapping[str, float]
    failure: str = ""


@dataclass(frozen=True)
class ScoreSummary:
    """A score of a setting, summarised over its seeds."""

    setting: str
    score: str
    values: Mapping[int, float]  # by seed

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(list(self.values.values())))

    @property
    def std(self) -> float | None:
        """The standard deviation over the seeds (n − 1); None if there is one seed."""
        return float(np.std(list(self.values.values()), ddof=1)) if len(self.values) > 1 else None

    @property
    def best_seed(self) -> int | None:
        """The seed of the best model; None if the score has no better direction."""
        better = ScoreInfo(self.score, "", "").better
        extreme = {"higher": max, "lower": min}.get(better)
        return extreme(self.values, key=lambda seed: self.values[seed]) if extreme else None


def collect_results(
    study: Study, failures: Mapping[str, str], data: Path, report: ProgressCallback
) -> list[ModelResult]:
    """Return the scores of each model, including its UDR among the seeds of its setting.

    Args:
        study: the study.
        failures: the reason of failure by model name.
        data: folder of the data files; without them there is no UDR.
        report: progress callback.
    """
    models = [
        ModelResult(trial, {} if trial.name in failures else read_model_scores(trial), failures.get(trial.name, ""))
        for trial in study.trials
    ]
    finished = {model.trial.name for model in models if model.scores}
    udr: dict[str, float] = {}
    for number, trials in enumerate(study.settings.values(), start=1):
        report("udr", number, len(study.settings))
        udr |= setting_udr([trial for trial in trials if trial.name in finished], data)
    return [
        replace(model, scores={**model.scores, "udr": udr[model.trial.name]})
        if model.scores and model.trial.name in udr
        else model
        for model in models
    ]


def read_model_scores(trial: Trial) -> dict[str, float]:
    """Return the scores of a model; empty if it is not finished."""
    try:
        values = read_results(trial.folder).scores.values if trial.is_finished() else {}
        return {name: value for name, value in values.items() if name != "udr"}
    except BvaeError:
        return {}


def setting_udr(trials: Sequence[Trial], data: Path) -> dict[str, float]:
    """Return the UDR by name of the finished models of a setting.

    Empty if there are fewer than two, or if their data file is not found.
    """
    try:
        models = [load_checkpoint(trial.folder / "checkpoint.pt") for trial in trials]
        ranking = udr_of_models(models, data, ignore_progress) if len(models) > 1 else []
    except BvaeError:
        return {}
    return {trial.name: score for trial, score in zip(trials, ranking, strict=False)}


def summarize_scores(models: Sequence[ModelResult]) -> list[ScoreSummary]:
    """Return each score of each setting, summarised over its seeds."""
    groups: dict[tuple[str, str], dict[int, float]] = {}
    for model in models:
        for score, value in model.scores.items():
            groups.setdefault((model.trial.setting, score), {})[model.trial.params.train.seed] = value
    return [ScoreSummary(setting, score, values) for (setting, score), values in groups.items()]


def write_results(study: Study, models: Sequence[ModelResult], summaries: Sequence[ScoreSummary]) -> None:
    """Write scores.csv, one row per model, and summary.csv, one row per setting and score."""
    keys = list(dict.fromkeys(key for trial in study.trials for key in trial.choices))
    scores = list(dict.fromkeys(score for model in models for score in model.scores))
    heading = ["setting", *keys, "seed", "steps", *scores, "failure"]
    write_csv(study.folder / "scores.csv", heading, (result_row(model, keys, scores) for model in models))
    heading = ["setting", "score", "mean", "std", "n_seeds", "best_value", "best_seed"]
    write_csv(study.folder / "summary.csv", heading, summary_rows(summaries))


def result_row(model: ModelResult, keys: Sequence[str], scores: Sequence[str]) -> list[object]:
    """Return the row of a model in scores.csv."""
    trial, train = model.trial, model.trial.params.train
    choices, values = (trial.choices.get(key) for key in keys), (model.scores.get(score) for score in scores)
    return [trial.setting, *choices, train.seed, train.num_steps if model.scores else None, *values, model.failure]


def summary_rows(summaries: Sequence[ScoreSummary]) -> Iterator[list[object]]:
    """Yield the rows of summary.csv."""
    for summary in summaries:
        seed = summary.best_seed
        value = None if seed is None else summary.values[seed]
        yield [summary.setting, summary.score, summary.mean, summary.std, len(summary.values), value, seed]
