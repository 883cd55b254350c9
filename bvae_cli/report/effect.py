"""What a parameter does: the scores of settings that differ in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvae_cli.objectives.schedule import knob_of
from bvae_cli.report.charts import Column, columns
from bvae_cli.report.explained import Group, Score
from bvae_cli.report.plots import Plot
from bvae_cli.report.settings import Setting, differences
from bvae_cli.report.wording import course

SHOWN = ("reconstruction", "kl", "latents_used", "higgins", "factor_vae", "mig", "dci_disentanglement", "udr")
WIDE = {"reconstruction", "kl"}  # which differ by orders of magnitude


@dataclass(frozen=True)
class Effect:
    """A parameter, and the scores over its values."""

    parameter: str
    plots: list[Plot]


def effect_of(
    settings: Sequence[Setting], groups: Sequence[Group], scores: Mapping[str, Mapping[str, float]]
) -> Effect | None:
    """The only parameter that is not the same in all settings; None where there is no such, or no score to show.

    Args:
        settings: the settings.
        groups: the scores that some run has.
        scores: of each run, by its name, the values by theirs.
    """
    differing = {name: values for name, values in differences(settings).items() if "." in name}
    told = {score.name: score for group in groups for score in group.scores}
    if len(differing) != 1 or not (shown := [told[name] for name in SHOWN if name in told]):
        return None
    ((key, values),) = differing.items()
    ordered = sorted(zip(values, settings, strict=True), key=lambda pair: place(pair[0]))
    name = key.partition(".")[2]
    return Effect(name, [against(score, name, ordered, scores) for score in shown])


def place(value: str) -> tuple[int, float]:
    """Where a value stands: numbers by their size, then paths, words and what is left to others as they came."""
    try:
        knob = knob_of(value)
    except ValueError:
        return 2, 0.0
    return (1, 0.0) if isinstance(knob, tuple) else (0, knob)


def against(
    score: Score, parameter: str, ordered: Sequence[tuple[str, Setting]], scores: Mapping[str, Mapping[str, float]]
) -> Plot:
    """A chart of a score over the values of the parameter."""
    shown = [
        Column(
            named(value),
            [scores[record.name][score.name] for record in setting.records if score.name in scores[record.name]],
            setting.look,
        )
        for value, setting in ordered
    ]
    described = f"{score.title} over {parameter}"
    svg = columns(shown, f"effect-{score.name}", described, score.name in WIDE, parameter)
    return Plot(score.title, score.words, svg)


def named(value: str) -> str:
    """A value under its column: a path by where it begins and ends."""
    try:
        return course(knob_of(value))
    except ValueError:
        return value or "—"
