"""The page of one run."""

from pathlib import Path

from bvae_cli.datasets import DATASETS
from bvae_cli.report.explained import groups_of
from bvae_cli.report.films import reconstructions, rows_of
from bvae_cli.report.growth import growth_of
from bvae_cli.report.parameters import commands, parameters, recipe
from bvae_cli.report.plots import plots_of
from bvae_cli.report.provenance import provenance
from bvae_cli.report.published import ranges_for
from bvae_cli.report.record import Record
from bvae_cli.report.templates import render
from bvae_cli.report.wording import shortened, summary


def page_of(record: Record, data: Path) -> str:
    """The page of a run, whose data file, where there is one, lies in a folder."""
    model = record.checkpoint
    source, known, curves = provenance(data, model.spec), parameters(model), record.curves
    return render(
        "alone.html",
        record=record,
        model=model,
        summary=summary(model),
        shortened=shortened(model),
        rows=rows_of(model),
        groups=groups_of(record.scores.values if record.scores else []),
        ranges=ranges_for(model.spec),
        plots=plots_of(curves, record.latents, model.params.objective) if curves else [],
        growth=growth_of(curves, record.latents, model.params, record.folder) if curves else None,
        reconstructions=reconstructions(model),
        parameters=known,
        changed=[entry for entry in known if entry.changed],
        recipe=recipe(model),
        commands=commands(record, source),
        data=source,
        dataset=DATASETS.get(model.spec.name),
    )
