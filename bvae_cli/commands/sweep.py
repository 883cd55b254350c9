"""bvae sweep."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import models_bar, notice, print_notice, progress_bars
from bvae_cli.commands.options import MACHINE, Cpu, Data, Gpu
from bvae_cli.commands.tables import show_study, show_summary
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.sweep.executor import Executor
    from bvae_cli.sweep.study import Study
    from bvae_cli.sweep.worker import ModelStatus


GPU_MODELS_PER_BATCH = 64  # models in one step of a GPU; not measured yet


def sweep(  # noqa: PLR0913 - its arguments are its options
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study's YAML file.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train nothing; say what would be, what is done, and how long it takes.")
    ] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds, in place of the study's.")] = None,
    chosen: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Laid over the base. May be repeated."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Models at a time. Default: one for two cores; one on a GPU.", rich_help_panel=MACHINE
        ),
    ] = None,
    models_per_batch: Annotated[
        int | None,
        typer.Option(min=1, help="Models of a kind in one step. Default: 1; on a GPU 64.", rich_help_panel=MACHINE),
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Have Ray divide the models, on this machine.", rich_help_panel=MACHINE)
    ] = False,
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Have Ray divide the models, on a cluster that this machine is one of.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
) -> None:
    """Train and score all models of a study: settings and seeds.

    Each is a run of its own, in a folder of the study's. What is finished is left as it is, so that the same command
    goes on. Then there are scores.csv, summary.csv and a picture of each score.
    """
    from bvae_cli.sweep.runner import run_sweep as train_all
    from bvae_cli.sweep.runner import trial_status
    from bvae_cli.sweep.study import read_study

    if dry_run and (ray or ray_address):
        raise BvaeError(
            "--dry-run and Ray exclude each other", "leave one out: the forecast is for this machine alone."
        )
    study = read_study(file, chosen or [], seeds)
    with make_executor(ray_address, ray, workers, gpu, cpu, data) as executor:
        if dry_run:
            states = [trial_status(trial) for trial in study.trials]
            show_study(study, states, expected_hours(states, executor))
            return
        stacked = models_per_batch or (1 if executor.worker_spec.device.type == "cpu" else GPU_MODELS_PER_BATCH)
        failures = watch_models(train_all(study, executor, stacked), len(study.trials))
    report_results(study, failures, data)
    if failures:
        first = next(iter(failures.items()))
        raise BvaeError(
            f"{len(failures)} of {len(study.trials)} models failed; {first[0]}: {first[1]}",
            f"{study.folder / 'scores.csv'} says why of each; the same command tries them again.",
        )


def make_executor(
    address: str | None, ray: bool, workers: int | None, gpu: int | None, cpu: bool, data: Path
) -> "AbstractContextManager[Executor]":
    """Those who are to make the models: processes of this machine, or Ray's; raises BvaeError where they cannot be."""
    import torch

    from bvae_cli.sweep import ray_cluster
    from bvae_cli.sweep.pool import LocalExecutor
    from bvae_cli.sweep.worker import THREADS_PER_WORKER, WorkerSpec
    from bvae_cli.system.device import select_device

    if (ray or address) and gpu is not None:
        raise BvaeError("--gpu chooses one of this machine's", "leave it out: Ray gives each model one that is free.")
    if address and workers:
        raise BvaeError("--workers is for one machine", "leave it out: a cluster takes what it has room for.")
    if address:
        return ray_cluster.connect_cluster(address, cpu, data)
    device, threads = select_device(gpu, cpu), torch.get_num_threads()
    gpus = torch.cuda.device_count() if ray else 1
    number = workers or (max(1, threads // THREADS_PER_WORKER) if device.type == "cpu" else gpus)
    worker_spec = WorkerSpec(device, max(1, threads // number), data)
    return ray_cluster.local_cluster(worker_spec, number) if ray else nullcontext(LocalExecutor(worker_spec, number))


def expected_hours(states: "Sequence[ModelStatus]", executor: "Executor") -> float:
    """The hours that what is not over will take."""
    from bvae_cli.images.stream import open_stream
    from bvae_cli.sweep.forecast import estimate_hours

    left = [state.trial for state in states if not state.is_finished]
    names = dict.fromkeys(trial.params.dataset.name for trial in left)
    return sum(
        estimate_hours(
            [trial for trial in left if trial.params.dataset.name == name],
            open_stream(executor.worker_spec.data, name),
            executor.worker_spec,
            executor.num_workers,
        )
        for name in names
    )


def watch_models(statuses: "Iterator[ModelStatus]", models: int) -> dict[str, str]:
    """Show how models get on; of those that fail, by name, the reason."""
    failures: dict[str, str] = {}
    with models_bar(models) as show:
        for status in statuses:
            show(status.trial.name, status.step / status.trial.params.train.num_steps, status.is_finished)
            if status.failure:
                failures[status.trial.name] = status.failure
                print_notice(f"{status.trial.name} failed: {status.failure}")
    return failures


def report_results(study: "Study", failures: dict[str, str], data: Path) -> None:
    """Write the tables and the pictures of what there is, and show the most important of it."""
    from bvae_cli.sweep.plots import write_plots
    from bvae_cli.sweep.results import collect_results, summarize_scores, write_results

    with progress_bars() as report:
        models = collect_results(study, failures, data, report)
    those = summarize_scores(models)
    write_results(study, models, those)
    write_plots(study.folder / "plots", those)
    show_summary(those)
    notice.print(f"{study.folder / 'summary.csv'}, scores.csv and plots are ready.", soft_wrap=True)
