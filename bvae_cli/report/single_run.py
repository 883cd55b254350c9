"""The report of one run."""

from pathlib import Path

from bvae_cli.datasets import DATASETS
from bvae_cli.report.animations import latent_rows, reconstruction_url
from bvae_cli.report.annealing import find_annealing_curve
from bvae_cli.report.parameters import parameters, params_yaml, reproduce_commands
from bvae_cli.report.plots import plots_of
from bvae_cli.report.provenance import find_provenance
from bvae_cli.report.published import published_ranges
from bvae_cli.report.run_record import RunRecord
from bvae_cli.report.score_groups import select_groups
from bvae_cli.report.summary import compressed_note, summarize_run
from bvae_cli.report.templates import render


def single_run_page(record: RunRecord, data: Path) -> str:
    """Return the HTML page of a run; `data` is the folder of its data file, which may be missing."""
    model = record.checkpoint
    source, known, curves = find_provenance(data, model.spec), parameters(model), record.curves
    return render(
        "single_run.html",
        record=record,
        model=model,
        summary=summarize_run(model),
        compressed_note=compressed_note(model),
        rows=latent_rows(model),
        groups=select_groups(record.scores.values if record.scores else []),
        ranges=published_ranges(model.spec),
        plots=plots_of(curves, record.latents, model.params.objective) if curves else [],
        annealing=find_annealing_curve(curves, record.latents, model.params, record.folder) if curves else None,
        reconstructions=reconstruction_url(model),
        parameters=known,
        non_default=[entry for entry in known if entry.is_changed],
        recipe=params_yaml(model),
        commands=reproduce_commands(record, source),
        data=source,
        dataset=DATASETS.get(model.spec.name),
    )
