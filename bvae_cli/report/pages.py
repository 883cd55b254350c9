"""From runs to a page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bvae_cli.report.comparison import comparison_page
from bvae_cli.report.run_record import RunRecord, path_text
from bvae_cli.report.single_run import single_run_page
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_text
from bvae_cli.system.reporting import ProgressCallback

PAGE = "report.html"


def write_report(paths: Sequence[Path], data: Path, out: Path | None, report: ProgressCallback) -> Path:
    """Write the page of a run, or of several side by side; the file written.

    Args:
        paths: folders of runs, or checkpoints.
        data: the folder of the data files, for their hash, and for udr; they need not be there.
        out: the file; None for report.html in the folder of the run, or where there are several in the present one.
        report: is told how far the work is.

    Raises:
        BvaeError: there is no checkpoint, a file beside it is damaged, a run is named twice, or `out` cannot be
            written.
    """
    records = open_runs(paths)
    alone = records[0] if len(records) == 1 else None
    page = single_run_page(alone, data) if alone else comparison_page(records, data, report)
    path = out or (alone.folder / PAGE if alone else Path(PAGE))
    write_text(path, page)
    return path


def open_runs(paths: Sequence[Path]) -> list[RunRecord]:
    """The runs, those whose folders are called the same by their paths; raises BvaeError where one is named twice."""
    records = [RunRecord.open(path) for path in paths]
    files = [record.path.resolve() for record in records]
    if twice := next((path for path, file in zip(paths, files, strict=True) if files.count(file) > 1), None):
        raise BvaeError(f"{twice} is named twice", "name each run once.")
    names = [record.name for record in records]
    return [
        replace(record, name=path_text(path)) if names.count(record.name) > 1 else record
        for record, path in zip(records, paths, strict=True)
    ]
