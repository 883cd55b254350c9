"""What the user sees of work that goes on."""

import io

import pytest
from rich.console import Console

from bvae_cli.commands import console
from bvae_cli.commands.console import format_bytes, models_bar, print_when_done, progress_bars


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (12_345_678, 1_442_700_000, "12.3/1,443 MB"),
        (1_442_700_000, 0, "1,442.7 MB"),
        (1_500, 300_000, "1.5/300 kB"),
        (12, 345, "12/345 bytes"),
        (0, 0, "0 bytes"),
    ],
)
def test_bytes_are_shown_as_people_read_them(done: int, total: int, shown: str) -> None:
    assert format_bytes(done, total) == shown


def test_without_a_terminal_a_line_says_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    for unit, total in (("bytes", 2_500_000), ("", 1200)):
        for done in (0, total // 2, total):
            print_when_done(f"work in {unit}", done, total, unit)
        print_when_done("work that has no known end", 0, 0, unit)
    assert capsys.readouterr().err.splitlines() == ["work in bytes: 2.5 MB done", "work in : 1200 done"]


def test_on_a_terminal_bars_count_in_units_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "notice", Console(file=screen, force_terminal=True, width=120))
    with progress_bars() as report:
        report("fetching", 12_345_678, 1_442_700_000, "bytes")
        report("writing", 3, 4)
        report("fetching without end", 700, 0, "bytes")
    for shown in ("12.3/1,443 MB", "3/4", "700 bytes"):
        assert shown in screen.getvalue()


def test_of_many_models_some_are_named_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "notice", Console(file=screen, force_terminal=True, width=160))
    with models_bar(9) as show:
        show("beta=1/0", 1.0, True)
        for seed in range(1, 5):
            show(f"beta=1/{seed}", 0.5, False)
    last = screen.getvalue().splitlines()[-2]  # before the cursor is shown again
    for shown in ("3/9", "beta=1/1 50%", "beta=1/2 50%", "and 2 more"):
        assert shown in last
    assert "beta=1/3" not in last
