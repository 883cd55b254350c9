"""bvae sweep."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import models_bar, print_notice, progress_bars
from bvae_cli.commands.options import MACHINE, Cpu, Data, Gpu
from bvae_cli.commands.tables import show_study, show_summary
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.sweep.executor import Executor
    from bvae_cli.sweep.study import Study
    from bvae_cli.sweep.worker import ModelStatus


GPU_MODELS_PER_BATCH = 8  # models trained jointly on a GPU; more are hardly faster (docs/gpu.md)


def sweep(  # noqa: PLR0913 - its arguments are its options
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="Study file (YAML).")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Dry run: list settings, status and estimated time.")
    ] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds, overriding the study file.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override of a key in all settings; repeatable."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of worker processes. Default: one per two CPU cores; one on a GPU.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    models_per_batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Models trained jointly (vmap) in one batch. Default: 1 on a CPU, 8 on a GPU.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Distribute the models by Ray, on this machine.", rich_help_panel=MACHINE)
    ] = False,
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Distribute the models by Ray, on the cluster at this address.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
) -> None:
    """Train and evaluate all models of a study: every setting of a grid with every seed.

    Each model is a run in a subfolder of the study. The same command resumes a study: finished models are skipped.
    Writes scores.csv, summary.csv and one figure per score.
    """
    from bvae_cli.sweep.runner import run_sweep as run_all
    from bvae_cli.sweep.runner import trial_statuses
    from bvae_cli.sweep.study import read_study

    if dry_run and (ray or ray_address):
        raise BvaeError(
            "--dry-run and Ray are mutually exclusive",
            "remove the options of Ray: the estimate is for local processes.",
        )
    study = read_study(file, overrides or [], seeds)
    with make_executor(ray_address, ray, workers, gpu, cpu, data) as executor:
        if dry_run:
            statuses = list(trial_statuses(study, data))
            show_study(study, statuses, remaining_hours(statuses, executor))
            return
        batch_size = models_per_batch or (1 if executor.worker_spec.device.type == "cpu" else GPU_MODELS_PER_BATCH)
        failures = watch_models(run_all(study, executor, batch_size), len(study.trials))
    report_results(study, failures, data)
    if failures:
        name, reason = next(iter(failures.items()))
        raise BvaeError(
            f"{len(failures)} of {len(study.trials)} models are not finished; the first, {name}, {reason}",
            f"see all reasons in {study.folder / 'scores.csv'}; run the same command again to finish these models.",
        )


def make_executor(
    address: str | None, ray: bool, workers: int | None, gpu: int | None, cpu: bool, data: Path
) -> "AbstractContextManager[Executor]":
    """Return the executor: local processes or Ray; raises BvaeError for incompatible options."""
    import torch

    from bvae_cli.sweep import ray_cluster
    from bvae_cli.sweep.pool import LocalExecutor
    from bvae_cli.sweep.worker import THREADS_PER_WORKER, WorkerSpec
    from bvae_cli.system.device import select_device

    if (ray or address) and gpu is not None:
        raise BvaeError("--gpu is unsupported with Ray", "remove --gpu: Ray assigns a free GPU to each model.")
    if address and workers:
        raise BvaeError(
            "--workers is unsupported with --ray-address", "remove --workers: Ray uses all free slots of the cluster."
        )
    if address:
        return ray_cluster.connect_cluster(address, cpu, data)
    device, threads = select_device(gpu, cpu), torch.get_num_threads()
    gpus = torch.cuda.device_count() if ray else 1
    num_workers = workers or (max(1, threads // THREADS_PER_WORKER) if device.type == "cpu" else gpus)
    worker_spec = WorkerSpec(device, max(1, threads // num_workers), data)
    if ray:
        return ray_cluster.local_cluster(worker_spec, num_workers)
    return nullcontext(LocalExecutor(worker_spec, num_workers))


def remaining_hours(statuses: "Sequence[ModelStatus]", executor: "Executor") -> float:
    """Return the estimated hours of training for all unfinished models."""
    from bvae_cli.images.stream import open_stream
    from bvae_cli.sweep.forecast import estimate_hours

    trials = [status.trial for status in statuses if not status.is_finished]
    names = dict.fromkeys(trial.params.dataset.name for trial in trials)
    with progress_bars() as report:
        return sum(
            estimate_hours(
                [trial for trial in trials if trial.params.dataset.name == name],
                open_stream(executor.worker_spec.data, name),
                executor.worker_spec,
                executor.num_workers,
                report,
            )
            for name in names
        )


def watch_models(statuses: "Iterator[ModelStatus]", models: int) -> dict[str, str]:
    """Show the progress of models until all have ended; return the outcome of each unfinished one, by model name."""
    failures: dict[str, str] = {}
    with models_bar(models) as show:
        for status in statuses:
            fraction = status.step / status.trial.params.train.num_steps
            show(status.trial.name, fraction, status.is_finished, status.outcome)
            if status.outcome:
                failures[status.trial.name] = status.outcome
    return failures


def report_results(study: "Study", failures: dict[str, str], data: Path) -> None:
    """Write the tables and figures of all available scores, and print the most important scores."""
    from bvae_cli.sweep.plots import write_plots
    from bvae_cli.sweep.results import collect_results, summarize_scores, write_results

    with progress_bars() as report:
        models = collect_results(study, failures, data, report)
    summaries = summarize_scores(models)
    write_results(study, models, summaries)
    write_plots(study.folder / "plots", summaries)
    show_summary(summaries)
    print_notice(f"{study.folder / 'summary.csv'}, scores.csv and plots are ready.")
