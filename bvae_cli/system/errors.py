"""Exceptions that are reported to the user without a traceback."""


class BvaeError(Exception):
    """An error that the user can fix: a message (what is wrong, where) and a hint (how to fix it)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InterruptionError(BvaeError):
    """An interruption by a signal, after the progress was saved; the hint is how to resume."""

    def __init__(self, number: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.number = number
