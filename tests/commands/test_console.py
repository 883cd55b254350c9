"""Progress output on and off a terminal."""

import io
from pathlib import Path

import pytest
from rich.table import Table

from bvae_cli.commands import console
from bvae_cli.commands.console import PlainConsole, format_bytes, models_bar, print_when_complete, progress_bars
from bvae_cli.system.errors import BvaeError


@pytest.mark.parametrize(
    ("completed", "total", "text"),
    [
        (12_345_678, 1_442_700_000, "12.3/1,443 MB"),
        (1_442_700_000, 0, "1,442.7 MB"),
        (1_500, 300_000, "1.5/300 kB"),
        (12, 345, "12/345 bytes"),
        (0, 0, "0 bytes"),
    ],
)
def test_bytes_are_formatted_with_a_unit(completed: int, total: int, text: str) -> None:
    assert format_bytes(completed, total) == text


def test_without_a_terminal_a_finished_task_prints_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    for unit, total in (("bytes", 2_500_000), ("", 1200)):
        for completed in (0, total // 2, total):
            print_when_complete(f"work in {unit}", completed, total, unit)
        print_when_complete("work of unknown total", 0, 0, unit)
    assert capsys.readouterr().err.splitlines() == ["work in bytes: 2.5 MB done", "work in : 1200 done"]


def test_on_a_terminal_each_bar_has_its_own_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "notice", PlainConsole(file=screen, force_terminal=True, width=120))
    with progress_bars() as report:
        report("fetching", 12_345_678, 1_442_700_000, "bytes")
        report("writing", 3, 4)
        report("fetching an unknown size", 700, 0, "bytes")
    for text in ("12.3/1,443 MB", "3/4", "700 bytes"):
        assert text in screen.getvalue()


def test_the_models_bar_names_two_running_models_and_counts_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "notice", PlainConsole(file=screen, force_terminal=True, width=160))
    with models_bar(9) as show:
        show("beta=1/0", 1.0, True, "")
        for seed in range(1, 5):
            show(f"beta=1/{seed}", 0.5, False, "")
    last = screen.getvalue().splitlines()[-2]  # before the cursor is shown again
    for text in ("3/9", "beta=1/1 50%", "beta=1/2 50%", "and 2 more"):
        assert text in last
    assert "beta=1/3" not in last


def test_a_failed_model_is_named_with_its_reason_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "notice", PlainConsole(file=screen, force_terminal=True, width=160))
    with models_bar(2) as show:
        show("beta=1/0", 1.0, True, "failed: out of memory")
    assert "beta=1/0 failed: out of memory" in screen.getvalue()


def test_without_a_terminal_each_model_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    with models_bar(2) as show:
        show("beta=1/0", 0.5, False, "")
        show("beta=1/0", 1.0, True, "")
        show("beta=1/1", 0.1, True, "failed: out of memory")
    assert capsys.readouterr().err.splitlines() == [
        "(1/2) beta=1/0 finished",
        "(2/2) beta=1/1 failed: out of memory",
    ]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a[/b] [red]c[/]", "a[/b] [red]c[/]"),
        ("esc\x1b[31m", "esc\\x1b[31m"),
        ("nul\0", "nul\\x00"),
        ("two\nlines", "two\\nlines"),
        ("right-to-left\u202e", "right-to-left\\u202e"),
        (":warning:", ":warning:"),
        ("1 [2]", "1 [2]"),
    ],
)
def test_text_is_printed_as_it_is_with_visible_control_characters(
    capsys: pytest.CaptureFixture[str], text: str, printed: str
) -> None:
    console.print_notice(text)
    console.print_path(Path(text))
    console.show_error(BvaeError(text, text))
    table = Table(text)
    table.add_row(text)
    console.result.print(table)
    out, err = capsys.readouterr()
    assert err == f"{printed}\nError: {printed}\nFix: {printed}\n"
    assert out.startswith(f"{printed}\n")
    assert out.count(printed) == 3


def test_a_long_message_is_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_error(BvaeError("x" * 5000))
    assert capsys.readouterr().err == f"Error: {'x' * 1499}…\n"
