"""Deferred handling of Ctrl-C and SIGTERM."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PendingSignal = Callable[[], int | None]
"""Return the number of the first signal received, or None."""


@contextmanager
def defer_signals(once: bool = True) -> Iterator[PendingSignal]:
    """Record SIGINT and SIGTERM instead of handling them; if `once`, only the first, so that a second one interrupts.

    Ignored signals stay ignored. Other threads than the main one receive no signals, so nothing changes there.
    """
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def record_signal(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if once:
            restore_handlers()

    def restore_handlers() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def pending_signal() -> int | None:
        return received[0] if received else None

    if threading.current_thread() is not threading.main_thread():
        yield pending_signal
        return
    try:
        for number, handler in handlers.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, record_signal)
        yield pending_signal
    finally:
        restore_handlers()


@contextmanager
def ignore_sigint() -> Iterator[None]:
    """Start processes that ignore Ctrl-C in a terminal from their first instruction; this process ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
