"""How work of known length says how far it is, without printing."""

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""What is being done, how far it is, and how far it goes."""


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""
