"""Entry point of `bvae report`: runs to an HTML file."""

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
    """Write the report of one run, or the comparison of several, and return the path of the file.

    Args:
        paths: run folders or checkpoints.
        data: folder of the data files, for their hash and for UDR; the files may be missing.
        out: the output file. If None, report.html in the run folder, or in the current folder for several runs.
        report: progress callback.

    Raises:
        BvaeError: a checkpoint is not found, a file next to it is corrupt, a run is given twice, or `out` cannot be
            written.
    """
    records = open_runs(paths)
    single = records[0] if len(records) == 1 else None
    page = single_run_page(single, data) if single else comparison_page(records, data, report)
    path = out or (single.folder / PAGE if single else Path(PAGE))
    write_text(path, page)
    return path


def open_runs(paths: Sequence[Path]) -> list[RunRecord]:
    """Return the runs; runs whose folders have the same name are named by path.

    Raises:
        BvaeError: a checkpoint is not found or corrupt, or a run is given twice.
    """
    records = [RunRecord.open(path) for path in paths]
    files = [record.path.resolve() for record in records]
    if duplicate := next((path for path, file in zip(paths, files, strict=True) if files.count(file) > 1), None):
        raise BvaeError(f"run given twice: {duplicate}", "give each run once.")
    names = [record.name for record in records]
    return [
        replace(record, name=path_text(path)) if names.count(record.name) > 1 else record
        for record, path in zip(records, paths, strict=True)
    ]
