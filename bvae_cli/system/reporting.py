"""Callbacks by which library code reports progress and notices without printing."""

from collections.abc import Callable
from typing import Protocol


class ProgressCallback(Protocol):
    """A callback for progress: the task, the amount done, and the total (0 if unknown)."""

    def __call__(self, task: str, completed: int, total: int, unit: str = "") -> None:
        """Report progress; the unit is "bytes", or empty for counts."""


NoticeCallback = Callable[[str], None]
"""A callback for a one-line notice to the user."""


def ignore_progress(task: str, completed: int, total: int, unit: str = "") -> None:
    """Discard a progress report."""


def ignore_notice(text: str) -> None:
    """Discard a notice."""
