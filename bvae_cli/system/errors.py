"""What goes wrong by the user's hand."""


class BvaeError(Exception):
    """Something the user can put right: what is wrong and where, and what to do instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InterruptionError(BvaeError):
    """A signal ended the work, and what was done is saved."""

    def __init__(self, number: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.number = number
