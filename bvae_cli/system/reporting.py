"""How work says how far it is, and what is worth knowing of it, without printing."""

from collections.abc import Callable
from typing import Protocol


class ProgressCallback(Protocol):
    """What is being done, how far it is, and how far it goes."""

    def __call__(self, what: str, done: int, total: int, unit: str = "") -> None:
        """The unit is "bytes", or nothing for what is counted."""


NoticeCallback = Callable[[str], None]
"""Something worth knowing, once."""


def ignore_progress(what: str, done: int, total: int, unit: str = "") -> None:
    """Say nothing of how far it is."""


def ignore_notice(what: str) -> None:
    """Say nothing that is worth knowing."""
