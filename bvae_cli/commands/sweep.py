"""bvae sweep."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import models_bar, notice, reporting, tell
from bvae_cli.commands.options import MACHINE, Cpu, Data, Gpu
from bvae_cli.commands.tables import show_study, show_tallies
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.sweep.crew import Crew
    from bvae_cli.sweep.study import Study
    from bvae_cli.sweep.worker import News


STACKED = 64  # models in one step of a GPU; not measured yet


def sweep(  # noqa: PLR0913 - its arguments are its options
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study's YAML file.")],
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="With --ray, HOST:PORT of a cluster that this machine is one of.",
            show_default=False,
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Train nothing; say what would be, what is done, and how long it takes.")
    ] = False,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds, in place of the study's.")] = None,
    chosen: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Laid over the base. May be repeated."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Models at a time. Default: one for two cores; one on a GPU.", rich_help_panel=MACHINE
        ),
    ] = None,
    together: Annotated[
        int | None,
        typer.Option(min=1, help="Models of a kind in one step. Default: 1; on a GPU 64.", rich_help_panel=MACHINE),
    ] = None,
    ray: Annotated[
        bool,
        typer.Option(
            "--ray", help="Have Ray divide the models: on ADDRESS's machines, or on this one.", rich_help_panel=MACHINE
        ),
    ] = False,
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
) -> None:
    """Train and score all models of a study: settings and seeds.

    Each is a run of its own, in a folder of the study's. What is finished is left as it is, so that the same command
    goes on. Then there are scores.csv, table.csv and a picture of each score.
    """
    from bvae_cli.sweep.study import read
    from bvae_cli.sweep.sweeping import state_of
    from bvae_cli.sweep.sweeping import sweep as train_all

    require_one_use(address, listed, ray)
    study = read(file, chosen or [], seeds)
    with crew_of(address, ray, processes, gpu, cpu, data) as crew:
        if listed:
            states = [state_of(trial) for trial in study.trials]
            show_study(study, states, expected_hours(states, crew))
            return
        stacked = together or (1 if crew.place.device.type == "cpu" else STACKED)
        failures = watched(train_all(study, crew, stacked), len(study.trials))
    tell_results(study, failures, data)
    if failures:
        first = next(iter(failures.items()))
        raise BvaeError(
            f"{len(failures)} of {len(study.trials)} models failed; {first[0]}: {first[1]}",
            f"{study.folder / 'scores.csv'} says why of each; the same command tries them again.",
        )


def require_one_use(address: str | None, listed: bool, ray: bool) -> None:
    """Raise BvaeError where options are given that mean nothing together."""
    if address and not ray:
        raise BvaeError(f"{address} would be the address of a cluster", "add --ray, or leave it out.")
    if listed and ray:
        raise BvaeError("--list and --ray exclude each other", "the forecast of --list is for this machine alone.")


def crew_of(
    address: str | None, ray: bool, processes: int | None, gpu: int | None, cpu: bool, data: Path
) -> "AbstractContextManager[Crew]":
    """Those who are to make the models: processes of this machine, or Ray's; raises BvaeError where they cannot be."""
    import torch

    from bvae_cli.sweep import cluster
    from bvae_cli.sweep.pool import Processes
    from bvae_cli.sweep.worker import PAYING, Place
    from bvae_cli.system.device import select

    if ray and gpu is not None:
        raise BvaeError("--gpu chooses one of this machine's", "leave it out: Ray gives each model one that is free.")
    if address and processes:
        raise BvaeError("--processes is for one machine", "leave it out: a cluster takes what it has room for.")
    if address:
        return cluster.joined(address, cpu, data)
    device, threads = select(gpu, cpu), torch.get_num_threads()
    gpus = torch.cuda.device_count() if ray else 1
    number = processes or (max(1, threads // PAYING) if device.type == "cpu" else gpus)
    place = Place(device, max(1, threads // number), data)
    return cluster.local(place, number) if ray else nullcontext(Processes(place, number))


def expected_hours(states: "Sequence[News]", crew: "Crew") -> float:
    """The hours that what is not over will take."""
    from bvae_cli.datasets.stream import stream
    from bvae_cli.sweep.forecast import hours

    left = [state.trial for state in states if not state.over]
    names = dict.fromkeys(trial.params.dataset.name for trial in left)
    return sum(
        hours(
            [trial for trial in left if trial.params.dataset.name == name],
            stream(crew.place.data, name),
            crew.place,
            crew.number,
        )
        for name in names
    )


def watched(heard: "Iterator[News]", models: int) -> dict[str, str]:
    """Show how models get on; of those that fail, by name, the reason."""
    failures: dict[str, str] = {}
    with models_bar(models) as show:
        for news in heard:
            show(news.trial.name, news.step / news.trial.params.train.taken, news.over)
            if news.failure:
                failures[news.trial.name] = news.failure
                tell(f"{news.trial.name} failed: {news.failure}")
    return failures


def tell_results(study: "Study", failures: dict[str, str], data: Path) -> None:
    """Write the tables and the pictures of what there is, and show the most important of it."""
    from bvae_cli.sweep.plots import write_plots
    from bvae_cli.sweep.results import found, tallies, write

    with reporting() as report:
        models = found(study, failures, data, report)
    those = tallies(models)
    write(study, models, those)
    write_plots(study.folder / "plots", those)
    show_tallies(those)
    notice.print(f"{study.folder / 'table.csv'}, scores.csv and plots are ready.", soft_wrap=True)
