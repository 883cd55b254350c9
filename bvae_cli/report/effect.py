"""What a parameter does: the scores of settings that differ in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvae_cli.objectives.schedule import parse_schedule
from bvae_cli.report.charts import ScatterColumn, scatter_chart
from bvae_cli.report.plots import Plot
from bvae_cli.report.score_groups import ScoreGroup, ScoreInfo
from bvae_cli.report.settings import Setting, differences
from bvae_cli.report.summary import describe_schedule

SHOWN = (
    "reconstruction_loss",
    "kl",
    "active_units",
    "beta_vae_score",
    "factor_vae_score",
    "mig",
    "dci_disentanglement",
    "udr",
)
LOG_SCALE = {"reconstruction_loss", "kl"}  # which differ by orders of magnitude


@dataclass(frozen=True)
class ParameterEffect:
    """A parameter, and the scores over its values."""

    parameter: str
    plots: list[Plot]


def find_effect(
    settings: Sequence[Setting], groups: Sequence[ScoreGroup], scores: Mapping[str, Mapping[str, float]]
) -> ParameterEffect | None:
    """The only parameter that is not the same in all settings; None where there is no such, or no score to show.

    Args:
        settings: the settings.
        groups: the scores that some run has.
        scores: of each run, by its name, the values by theirs.
    """
    differences_of = {name: values for name, values in differences(settings).items() if "." in name}
    by_name = {score.name: score for group in groups for score in group.scores}
    if len(differences_of) != 1 or not (shown := [by_name[name] for name in SHOWN if name in by_name]):
        return None
    ((key, values),) = differences_of.items()
    ordered = sorted(zip(values, settings, strict=True), key=lambda pair: sort_key(pair[0]))
    name = key.partition(".")[2]
    return ParameterEffect(name, [score_plot(score, name, ordered, scores) for score in shown])


def sort_key(value: str) -> tuple[int, float]:
    """Where a value stands: numbers by their size, then paths, words and what is left to others as they came."""
    try:
        hyperparameter = parse_schedule(value)
    except ValueError:
        return 2, 0.0
    return (1, 0.0) if isinstance(hyperparameter, tuple) else (0, hyperparameter)


def score_plot(
    score: ScoreInfo, parameter: str, ordered: Sequence[tuple[str, Setting]], scores: Mapping[str, Mapping[str, float]]
) -> Plot:
    """A chart of a score over the values of the parameter."""
    shown = [
        ScatterColumn(
            value_label(value),
            [scores[record.name][score.name] for record in setting.records if score.name in scores[record.name]],
            setting.style,
        )
        for value, setting in ordered
    ]
    described = f"{score.title} over {parameter}"
    svg = scatter_chart(shown, f"effect-{score.name}", described, score.name in LOG_SCALE, parameter)
    return Plot(score.title, score.description, svg)


def value_label(value: str) -> str:
    """A value under its column: a path by where it begins and ends."""
    try:
        return describe_schedule(parse_schedule(value))
    except ValueError:
        return value or "—"
