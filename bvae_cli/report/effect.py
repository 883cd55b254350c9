"""Effect of a hyperparameter: the scores of settings that differ in this hyperparameter only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvae_cli.objectives.schedule import parse_schedule
from bvae_cli.report.charts import ScatterColumn, scatter_chart
from bvae_cli.report.plots import Plot
from bvae_cli.report.score_groups import ScoreGroup, ScoreInfo
from bvae_cli.report.settings import Setting, differences
from bvae_cli.report.summary import describe_schedule

PLOTTED_SCORES = (
    "reconstruction_loss",
    "kl",
    "active_units",
    "beta_vae_score",
    "factor_vae_score",
    "mig",
    "dci_disentanglement",
    "udr",
)
LOG_SCALE = {"reconstruction_loss", "kl"}  # these scores vary by orders of magnitude


@dataclass(frozen=True)
class ParameterEffect:
    """A parameter with plots of the scores over its values."""

    parameter: str
    plots: list[Plot]


def find_effect(
    settings: Sequence[Setting], groups: Sequence[ScoreGroup], scores: Mapping[str, Mapping[str, float]]
) -> ParameterEffect | None:
    """Return the effect of the only parameter that differs between settings.

    None if no parameter or several parameters differ, or if no run has a score to plot.

    Args:
        settings: the settings.
        groups: the scores that at least one run has.
        scores: score values by run name and score name.
    """
    differing = {name: values for name, values in differences(settings).items() if "." in name}
    by_name = {score.name: score for group in groups for score in group.scores}
    if len(differing) != 1 or not (plotted := [by_name[name] for name in PLOTTED_SCORES if name in by_name]):
        return None
    ((key, values),) = differing.items()
    ordered = sorted(zip(values, settings, strict=True), key=lambda pair: sort_key(pair[0]))
    name = key.partition(".")[2]
    return ParameterEffect(name, [score_plot(score, name, ordered, scores) for score in plotted])


def sort_key(value: str) -> tuple[int, float]:
    """Return the sort key of a value: numbers by size, then schedules, then words and empty values in their order."""
    try:
        hyperparameter = parse_schedule(value)
    except ValueError:
        return 2, 0.0
    return (1, 0.0) if isinstance(hyperparameter, tuple) else (0, hyperparameter)


def score_plot(
    score: ScoreInfo, parameter: str, ordered: Sequence[tuple[str, Setting]], scores: Mapping[str, Mapping[str, float]]
) -> Plot:
    """Return the plot of a score over the values of the parameter."""
    columns = [
        ScatterColumn(
            value_label(value),
            [scores[record.name][score.name] for record in setting.records if score.name in scores[record.name]],
            setting.style,
        )
        for value, setting in ordered
    ]
    description = f"{score.title} over {parameter}"
    svg = scatter_chart(columns, f"effect-{score.name}", description, score.name in LOG_SCALE, parameter)
    return Plot(score.title, score.description, svg)


def value_label(value: str) -> str:
    """Return the label of a value; a schedule is abbreviated to its first and last value."""
    try:
        return describe_schedule(parse_schedule(value))
    except ValueError:
        return value or "—"
