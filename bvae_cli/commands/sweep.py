"""bvae sweep."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bvae_cli.commands.console import models_bar, notice, reporting, tell
from bvae_cli.commands.options import MACHINE, Cpu, Data, Gpu
from bvae_cli.commands.tables import show_study, show_tallies
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    from bvae_cli.sweep.study import Study
    from bvae_cli.sweep.worker import News, Place


PAYING = 2  # threads of a process: two have more than twice the speed of one
STACKED = 64  # models in one step of a GPU; not measured yet


def sweep(
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study's YAML file.")],
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
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
) -> None:
    """Train and score all models of a study: settings and seeds.

    Each is a run of its own, in a folder of the study's. What is finished is left as it is, so that the same command
    goes on. Then there are scores.csv, table.csv and a picture of each score.
    """
    import torch

    from bvae_cli.sweep.study import read
    from bvae_cli.sweep.sweeping import state_of
    from bvae_cli.sweep.sweeping import sweep as train_all
    from bvae_cli.sweep.worker import Place
    from bvae_cli.system.device import select

    study, device = read(file, chosen or [], seeds), select(gpu, cpu)
    threads = torch.get_num_threads()
    number = processes or (max(1, threads // PAYING) if device.type == "cpu" else 1)
    place = Place(device, max(1, threads // number), data)
    if listed:
        states = [state_of(trial) for trial in study.trials]
        show_study(study, states, expected_hours(states, place, number))
        return
    stacked = together or (1 if device.type == "cpu" else STACKED)
    failures = watched(train_all(study, place, number, stacked), len(study.trials))
    tell_results(study, failures, data)
    if failures:
        first = next(iter(failures.items()))
        raise BvaeError(
            f"{len(failures)} of {len(study.trials)} models failed; {first[0]}: {first[1]}",
            f"{study.folder / 'scores.csv'} says why of each; the same command tries them again.",
        )


def expected_hours(states: "Sequence[News]", place: "Place", processes: int) -> float:
    """The hours that what is not over will take."""
    from bvae_cli.datasets.stream import stream
    from bvae_cli.sweep.forecast import hours

    left = [state.trial for state in states if not state.over]
    names = dict.fromkeys(trial.params.dataset.name for trial in left)
    return sum(
        hours(
            [trial for trial in left if trial.params.dataset.name == name], stream(place.data, name), place, processes
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
