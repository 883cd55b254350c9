"""Console output: results on stdout; progress, notices and errors on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import pick_unit_and_suffix
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from bvae_cli.system.checks import shorten
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import ProgressCallback
from bvae_cli.system.text import make_visible

MAX_NAMED = 2  # running models that are named beside the progress bar
MAX_MESSAGE = 1500  # characters of an error


class PlainConsole(Console):
    """A console that prints every string as it is: without markup or emoji codes, and with visible control characters.

    Style is given by `Text` objects, which are made only of our own words and of visible characters.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as it is printed."""
        return super().render_str(make_visible(text), **options)


result = PlainConsole()
notice = PlainConsole(stderr=True)


def show_error(error: BvaeError) -> None:
    """Print the message of an error and its hint."""
    is_interruption = isinstance(error, InterruptionError)
    title = ("Interrupted:", "bold yellow") if is_interruption else ("Error:", "bold red")
    notice.print(Text.assemble(title, " ", make_visible(shorten(error.message, MAX_MESSAGE))), soft_wrap=True)
    if error.hint:
        label = "Resume:" if is_interruption else "Fix:"
        notice.print(
            Text.assemble((label, "bold"), " ", make_visible(shorten(error.hint, MAX_MESSAGE))), soft_wrap=True
        )


def print_notice(text: str) -> None:
    """Print a notice to the user."""
    notice.print(text, soft_wrap=True)


def print_path(path: Path) -> None:
    """Print the path of a file that was written."""
    result.print(str(path), soft_wrap=True)


class AmountColumn(MofNCompleteColumn):
    """A column with the completed amount and the total, as counts or as bytes."""

    def render(self, task: Task) -> Text:
        """Return the text beside the bar."""
        if task.fields["unit"] != "bytes":
            return super().render(task)
        return Text(format_bytes(int(task.completed), int(task.total or 0)), style="progress.download")


def format_bytes(completed: int, total: int) -> str:
    """Return completed and total bytes in one unit, such as 12.3/1,443 MB; a total of 0 means unknown."""
    size, suffix = pick_unit_and_suffix(total or completed, ["bytes", "kB", "MB"], 1000)
    of_total = f"/{total / size:,.0f}" if total else ""
    return f"{completed / size:,.{int(size > 1)}f}{of_total} {suffix}"


@contextmanager
def progress_bars() -> Iterator[ProgressCallback]:
    """Yield a callback that updates one progress bar per task; without a terminal it prints finished tasks."""
    if not notice.is_terminal:
        yield print_when_complete
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        AmountColumn(),
        TimeRemainingColumn(),
        console=notice,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(task: str, completed: int, total: int, unit: str = "") -> None:
            if task not in tasks:  # work completed before the first report is excluded from the estimated time
                tasks[task] = bars.add_task(make_visible(task), completed=completed, total=total or None, unit=unit)
            bars.update(tasks[task], completed=completed, total=total or None)

        yield report


def print_when_complete(task: str, completed: int, total: int, unit: str = "") -> None:
    """Print a line when a task is complete."""
    if total and completed == total:
        amount = format_bytes(completed, 0) if unit == "bytes" else total
        print_notice(f"{task}: {amount} done")


def counting_bar(title: str) -> Progress:
    """Return a progress bar with a count, a description and the remaining time."""
    count, bar = MofNCompleteColumn(), BarColumn(bar_width=20)
    description = TextColumn("{task.description}", markup=False)
    return Progress(TextColumn(title), count, bar, description, TimeRemainingColumn(), console=notice)


@contextmanager
def training_bar(steps: int) -> Iterator[Callable[[int, str], None]]:
    """Yield a callback that updates a progress bar with steps and values; without a terminal it prints lines."""
    if not notice.is_terminal:
        yield lambda step, values: print_notice(f"step {step}/{steps}  {values}")
        return
    with counting_bar("step") as bars:
        task = bars.add_task("", total=steps)

        def show(step: int, values: str) -> None:
            if not bars.tasks[task].completed:  # the remaining time is estimated from the first report on (resume)
                bars.reset(task, completed=step)
            bars.update(task, completed=step, description=values)

        yield show


@contextmanager
def models_bar(models: int) -> Iterator[Callable[[str, float, bool, str], None]]:
    """Yield a callback that updates a progress bar of models; without a terminal it prints a line per finished model.

    The callback takes a model's name, its completed fraction, whether it has ended, and its outcome if it could not be
    finished, such as "failed: out of memory".
    """
    fractions: dict[str, float] = {}
    if not notice.is_terminal:

        def print_status(name: str, fraction: float, is_ended: bool, outcome: str = "") -> None:
            if is_ended:
                fractions[name] = 1.0
                print_notice(f"({len(fractions)}/{models}) {name} {outcome or 'finished'}")

        yield print_status
        return
    with counting_bar("model") as bars:
        task = bars.add_task("", total=models)

        def show(name: str, fraction: float, is_ended: bool, outcome: str = "") -> None:
            fractions[name] = 1.0 if is_ended else fraction
            running = [f"{name} {fraction:.0%}" for name, fraction in fractions.items() if fraction < 1.0]
            more = [f"and {len(running) - MAX_NAMED} more"] if len(running) > MAX_NAMED else []
            description = "  ".join([*running[:MAX_NAMED], *more])
            bars.update(task, completed=sum(fractions.values()), description=description)
            if outcome:
                print_notice(f"{name} {outcome}")

        yield show
