"""The report of several runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.report.animations import LargestMean, LatentRows, find_largest_mean, latent_rows, reconstruction_url
from bvae_cli.report.effect import find_effect
from bvae_cli.report.parameters import params_yaml, reproduce_commands
from bvae_cli.report.plots import Plot, overlay_plots
from bvae_cli.report.provenance import Provenance, find_provenance
from bvae_cli.report.published import PublishedRange, published_ranges
from bvae_cli.report.run_record import RunRecord
from bvae_cli.report.score_groups import select_groups
from bvae_cli.report.settings import Setting, differences, find_seed, group_by_setting, setting_scores
from bvae_cli.report.summary import compressed_notes, describe_outcome, summarize_comparison
from bvae_cli.report.templates import render
from bvae_cli.report.udr import udr_by_run
from bvae_cli.system.reporting import ProgressCallback

EXAMPLES_PER_RUN = 6  # images of each run shown with their reconstructions


@dataclass(frozen=True)
class RunSection:
    """The contents of the report about one of several runs."""

    record: RunRecord
    outcome: str
    seed: str
    rows: LatentRows
    reconstructions: str
    largest_mean: LargestMean | None
    recipe: str
    commands: list[str]
    data: Provenance


def comparison_page(records: Sequence[RunRecord], data: Path, report: ProgressCallback) -> str:
    """Return the HTML page that compares runs, grouped by setting; `data` is the folder of the data files."""
    settings, (udr, missing_udr) = group_by_setting(records), udr_by_run(records, data, report)
    runs = [Setting([record], setting.style) for setting in settings for record in setting.records]
    scores = {record.name: collect_scores(record, udr) for record in records}
    differing = differences(settings)
    groups = select_groups(dict.fromkeys(name for each in scores.values() for name in each))
    all_scores = [score for group in groups for score in group.scores]
    return render(
        "comparison.html",
        settings=settings,
        runs=runs,
        summary=summarize_comparison(len(settings), len(runs), list(differing)),
        compressed_notes=compressed_notes({record.name: record.checkpoint for record in records}),
        differences=differing,
        effect=find_effect(settings, groups, scores),
        run_sections=[run_section(run.records[0], data) for run in runs],
        groups=groups,
        by_setting={score.name: setting_scores(score, settings, scores) for score in all_scores},
        by_run={score.name: setting_scores(score, runs, scores) for score in all_scores},
        missing_udr=missing_udr,
        ranges=common_ranges(records),
        plots=comparison_plots(runs),
    )


def run_section(record: RunRecord, data: Path) -> RunSection:
    """Return the contents of the report about a run."""
    model = record.checkpoint
    source = find_provenance(data, model.spec)
    return RunSection(
        record,
        describe_outcome(model.latents, model.spec.factors),
        find_seed(model),
        latent_rows(model),
        reconstruction_url(model, EXAMPLES_PER_RUN),
        find_largest_mean(model),
        params_yaml(model),
        reproduce_commands(record, source),
        source,
    )


def collect_scores(record: RunRecord, udr: Mapping[str, float]) -> dict[str, float]:
    """Return the scores of a run; its UDR is the one among the runs of the page, not the one of metrics.json."""
    values = {name: value for name, value in (record.scores.values if record.scores else {}).items() if name != "udr"}
    return values | ({"udr": udr[record.name]} if record.name in udr else {})


def common_ranges(records: Sequence[RunRecord]) -> dict[str, PublishedRange]:
    """Return the published score ranges that apply to all runs; none if they do not apply to one of them."""
    ranges = [published_ranges(record.checkpoint.spec) for record in records]
    return ranges[0] if all(ranges) else {}


def comparison_plots(runs: Sequence[Setting]) -> list[Plot]:
    """Return the training curves of the runs that have some, in the line styles of their settings."""
    curves = [(record.curves, run.style) for run in runs for record in run.records if record.curves]
    objectives = [record.checkpoint.params.objective for run in runs for record in run.records if record.curves]
    return overlay_plots(curves, objectives) if curves else []
