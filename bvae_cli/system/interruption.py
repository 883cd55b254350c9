"""Ctrl-C and SIGTERM, taken when it suits."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PendingSignal = Callable[[], int | None]
"""The number of the signal that has come, if one has."""


@contextmanager
def defer_signals(once: bool = True) -> Iterator[PendingSignal]:
    """Note a SIGINT or a SIGTERM in place of obeying it; the next one is obeyed as ever, if it is to be noted but once.

    Signals that are ignored stay so; in a thread that is not the main one, to which none come, nothing changes.
    """
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if once:
            restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def asked() -> int | None:
        return came[0] if came else None

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, note)
        yield asked
    finally:
        restore()
