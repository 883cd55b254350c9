"""The page of several runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.report.effect import effect_of
from bvae_cli.report.explained import groups_of
from bvae_cli.report.films import Farthest, Rows, farthest_of, reconstructions, rows_of
from bvae_cli.report.likeness import likeness
from bvae_cli.report.parameters import commands, recipe
from bvae_cli.report.plots import Plot, overlaid
from bvae_cli.report.provenance import Provenance, provenance
from bvae_cli.report.published import Range, ranges_for
from bvae_cli.report.record import Record
from bvae_cli.report.settings import Setting, differences, seed_of, settings_of, tallied
from bvae_cli.report.templates import render
from bvae_cli.report.wording import compared, outcome, shortened_among
from bvae_cli.system.reporting import Report

FEW = 6  # pictures beside their reconstructions, of each run


@dataclass(frozen=True)
class Drawn:
    """A run as it is shown among others."""

    record: Record
    outcome: str
    seed: str
    rows: Rows
    reconstructions: str
    farthest: Farthest | None
    recipe: str
    commands: list[str]
    data: Provenance


def page_of_several(records: Sequence[Record], data: Path, report: Report) -> str:
    """The page of runs, by setting; their data files, where there are any, lie in a folder."""
    settings, (alike, missing) = settings_of(records), likeness(records, data, report)
    runs = [Setting([record], setting.look) for setting in settings for record in setting.records]
    scores = {record.name: scores_of(record, alike) for record in records}
    differing = differences(settings)
    groups = groups_of(dict.fromkeys(name for each in scores.values() for name in each))
    told = [score for group in groups for score in group.scores]
    return render(
        "together.html",
        settings=settings,
        runs=runs,
        summary=compared(len(settings), len(runs), list(differing)),
        shortened=shortened_among({record.name: record.checkpoint for record in records}),
        differences=differing,
        effect=effect_of(settings, groups, scores),
        drawn=[drawn(run.records[0], data) for run in runs],
        groups=groups,
        by_setting={score.name: tallied(score, settings, scores) for score in told},
        by_run={score.name: tallied(score, runs, scores) for score in told},
        missing=missing,
        ranges=common_ranges(records),
        plots=plots(runs),
    )


def drawn(record: Record, data: Path) -> Drawn:
    """A run as it is shown."""
    model = record.checkpoint
    source = provenance(data, model.spec)
    return Drawn(
        record,
        outcome(model.latents, model.spec.factors),
        seed_of(model),
        rows_of(model),
        reconstructions(model, FEW),
        farthest_of(model),
        recipe(model),
        commands(record, source),
        source,
    )


def scores_of(record: Record, alike: Mapping[str, float]) -> dict[str, float]:
    """The scores of a run, with the udr that it has among those of the page, and no other."""
    values = {name: value for name, value in (record.scores.values if record.scores else {}).items() if name != "udr"}
    return values | ({"udr": alike[record.name]} if record.name in alike else {})


def common_ranges(records: Sequence[Record]) -> dict[str, Range]:
    """What there is to read the scores of all runs beside."""
    ranges = [ranges_for(record.checkpoint.spec) for record in records]
    return ranges[0] if all(ranges) else {}


def plots(runs: Sequence[Setting]) -> list[Plot]:
    """The curves of the runs that have some, in the colours of their settings."""
    there = [(record.curves, run.look) for run in runs for record in run.records if record.curves]
    objectives = [record.checkpoint.params.objective for run in runs for record in run.records if record.curves]
    return overlaid(there, objectives) if there else []
