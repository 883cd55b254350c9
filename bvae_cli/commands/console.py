"""What the user sees: results on stdout, progress and notices on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import Report

result = Console()
notice = Console(stderr=True)


def show_error(error: BvaeError) -> None:
    """What is wrong, and what to do instead."""
    name = "[bold yellow]Interrupted:[/]" if isinstance(error, InterruptionError) else "[bold red]Error:[/]"
    notice.print(f"{name} {escape(error.message)}", soft_wrap=True, highlight=False)
    if error.hint:
        notice.print(f"[dim]→[/] {escape(error.hint)}", soft_wrap=True, highlight=False)


@contextmanager
def reporting() -> Iterator[Report]:
    """A report that moves a bar for each kind of work, or where there is no terminal prints a line when it is done."""
    if not notice.is_terminal:
        yield plain_report
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=notice
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(escape(what))
            bars.update(tasks[what], completed=done, total=total)

        yield report


def plain_report(what: str, done: int, total: int) -> None:
    """A line when the work is done."""
    if done == total:
        notice.print(f"{what}: {total} done", highlight=False, markup=False)


@contextmanager
def training_bar(steps: int) -> Iterator[Callable[[int, str], None]]:
    """A bar that takes the steps done and a line of figures; plain lines where there is no terminal."""
    if not notice.is_terminal:
        yield lambda step, figures: notice.print(
            f"step {step}/{steps}  {figures}", highlight=False, markup=False, soft_wrap=True
        )
        return
    with Progress(
        TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=20), TextColumn("{task.description}"),
        TimeRemainingColumn(), console=notice,
    ) as bars:  # fmt: skip
        task = bars.add_task("", total=steps)

        def show(step: int, figures: str) -> None:
            if not bars.tasks[task].completed:  # the time left is counted from the first line, which may be a late one
                bars.reset(task, completed=step)
            bars.update(task, completed=step, description=figures)

        yield show
