"""What the user sees: results on stdout, progress and notices on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import pick_unit_and_suffix
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.reporting import ProgressCallback

MAX_NAMED = 2  # models under way whose names there is room for
result = Console()
notice = Console(stderr=True)


def show_error(error: BvaeError) -> None:
    """What is wrong, and what to do instead."""
    name = "[bold yellow]Interrupted:[/]" if isinstance(error, InterruptionError) else "[bold red]Error:[/]"
    notice.print(f"{name} {escape(error.message)}", soft_wrap=True, highlight=False)
    if error.hint:
        notice.print(f"[dim]→[/] {escape(error.hint)}", soft_wrap=True, highlight=False)


def print_notice(what: str) -> None:
    """Something worth knowing."""
    notice.print(what, soft_wrap=True, highlight=False, markup=False)


class AmountColumn(MofNCompleteColumn):
    """How much is done of how much."""

    def render(self, task: Task) -> Text:
        """As it stands beside the bar."""
        if task.fields["unit"] != "bytes":
            return super().render(task)
        return Text(format_bytes(int(task.completed), int(task.total or 0)), style="progress.download")


def format_bytes(done: int, total: int) -> str:
    """Bytes done of a total, 0 where it is unknown, as people read them: 12.3/1,443 MB."""
    size, suffix = pick_unit_and_suffix(total or done, ["bytes", "kB", "MB"], 1000)
    whole = f"/{total / size:,.0f}" if total else ""
    return f"{done / size:,.{int(size > 1)}f}{whole} {suffix}"


@contextmanager
def progress_bars() -> Iterator[ProgressCallback]:
    """A report that moves a bar for each kind of work, or where there is no terminal prints a line when it is done."""
    if not notice.is_terminal:
        yield print_when_done
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), AmountColumn(), TimeRemainingColumn(), console=notice
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int, unit: str = "") -> None:
            if what not in tasks:  # what was done before is no work of the time that the bar counts
                tasks[what] = bars.add_task(escape(what), completed=done, total=total or None, unit=unit)
            bars.update(tasks[what], completed=done, total=total or None)

        yield report


def print_when_done(what: str, done: int, total: int, unit: str = "") -> None:
    """A line when the work is done."""
    if total and done == total:
        amount = format_bytes(done, 0) if unit == "bytes" else total
        notice.print(f"{what}: {amount} done", highlight=False, markup=False)


def counting_bar(what: str) -> Progress:
    """A bar that counts something, with words beside it and the time that is left."""
    done, bar, words = MofNCompleteColumn(), BarColumn(bar_width=20), TextColumn("{task.description}")
    return Progress(TextColumn(what), done, bar, words, TimeRemainingColumn(), console=notice)


@contextmanager
def training_bar(steps: int) -> Iterator[Callable[[int, str], None]]:
    """A bar that takes the steps done and a line of figures; plain lines where there is no terminal."""
    if not notice.is_terminal:
        yield lambda step, figures: notice.print(
            f"step {step}/{steps}  {figures}", highlight=False, markup=False, soft_wrap=True
        )
        return
    with counting_bar("step") as bars:
        task = bars.add_task("", total=steps)

        def show(step: int, figures: str) -> None:
            if not bars.tasks[task].completed:  # the time left is counted from the first line, which may be a late one
                bars.reset(task, completed=step)
            bars.update(task, completed=step, description=figures)

        yield show


@contextmanager
def models_bar(models: int) -> Iterator[Callable[[str, float, bool], None]]:
    """A bar that takes, of a model, its name, the part of it that is done, and whether it is over; else plain lines."""
    shares: dict[str, float] = {}
    if not notice.is_terminal:

        def say(name: str, share: float, over: bool) -> None:
            if over:
                shares[name] = 1.0
                notice.print(f"{name} is over: {len(shares)}/{models}", highlight=False, markup=False, soft_wrap=True)

        yield say
        return
    with counting_bar("model") as bars:
        task = bars.add_task("", total=models)

        def show(name: str, share: float, over: bool) -> None:
            shares[name] = 1.0 if over else share
            under_way = [f"{name} {share:.0%}" for name, share in shares.items() if share < 1.0]
            more = [f"and {len(under_way) - MAX_NAMED} more"] if len(under_way) > MAX_NAMED else []
            words = "  ".join([*under_way[:MAX_NAMED], *more])
            bars.update(task, completed=sum(shares.values()), description=escape(words))

        yield show
