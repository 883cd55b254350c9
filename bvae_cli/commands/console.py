"""Console output: results on stdout; progress, notices and errors on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import pick_unit_and_suffix
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import ProgressCallback

MAX_NAMED = 2  # running models that are named beside the progress bar
result = Console()
notice = Console(stderr=True)


def show_error(error: BvaeError) -> None:
    """Print the message of an error and its hint."""
    is_interruption = isinstance(error, InterruptionError)
    title = "[bold yellow]Interrupted:[/]" if is_interruption else "[bold red]Error:[/]"
    notice.print(f"{title} {escape(error.message)}", soft_wrap=True, highlight=False)
    if error.hint:
        label = "Resume:" if is_interruption else "Fix:"
        notice.print(f"[bold]{label}[/] {escape(error.hint)}", soft_wrap=True, highlight=False)


def print_notice(text: str) -> None:
    """Print a notice to the user."""
    notice.print(text, soft_wrap=True, highlight=False, markup=False)


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
        TextColumn("{task.description}"), BarColumn(), AmountColumn(), TimeRemainingColumn(), console=notice
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(task: str, completed: int, total: int, unit: str = "") -> None:
            if task not in tasks:  # work completed before the first report is excluded from the estimated time
                tasks[task] = bars.add_task(escape(task), completed=completed, total=total or None, unit=unit)
            bars.update(tasks[task], completed=completed, total=total or None)

        yield report


def print_when_complete(task: str, completed: int, total: int, unit: str = "") -> None:
    """Print a line when a task is complete."""
    if total and completed == total:
        amount = format_bytes(completed, 0) if unit == "bytes" else total
        notice.print(f"{task}: {amount} done", highlight=False, markup=False)


def counting_bar(title: str) -> Progress:
    """Return a progress bar with a count, a description and the remaining time."""
    count, bar, description = MofNCompleteColumn(), BarColumn(bar_width=20), TextColumn("{task.description}")
    return Progress(TextColumn(title), count, bar, description, TimeRemainingColumn(), console=notice)


@contextmanager
def training_bar(steps: int) -> Iterator[Callable[[int, str], None]]:
    """Yield a callback that updates a progress bar with steps and values; without a terminal it prints lines."""
    if not notice.is_terminal:
        yield lambda step, values: notice.print(
            f"step {step}/{steps}  {values}", highlight=False, markup=False, soft_wrap=True
        )
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

    The callback takes a model's name, its completed fraction, whether it is finished, and why it failed ("" if not).
    """
    fractions: dict[str, float] = {}
    if not notice.is_terminal:

        def print_status(name: str, fraction: float, is_finished: bool, failure: str = "") -> None:
            if is_finished:
                fractions[name] = 1.0
                count = f"({len(fractions)}/{models})"
                print_notice(f"{name} failed {count}: {failure}" if failure else f"{name} finished {count}")

        yield print_status
        return
    with counting_bar("model") as bars:
        task = bars.add_task("", total=models)

        def show(name: str, fraction: float, is_finished: bool, failure: str = "") -> None:
            fractions[name] = 1.0 if is_finished else fraction
            running = [f"{name} {fraction:.0%}" for name, fraction in fractions.items() if fraction < 1.0]
            more = [f"and {len(running) - MAX_NAMED} more"] if len(running) > MAX_NAMED else []
            description = "  ".join([*running[:MAX_NAMED], *more])
            bars.update(task, completed=sum(fractions.values()), description=escape(description))
            if failure:
                print_notice(f"{name} failed: {failure}")

        yield show
