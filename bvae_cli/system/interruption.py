"""Deferred handling of Ctrl-C and SIGTERM."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_SIGNAL_SECONDS = 1.0

PendingSignal = Callable[[], int | None]
"""Return the number of the first signal received, or None."""


@contextmanager
def defer_signals(once: bool = True) -> Iterator[PendingSignal]:
    """Record SIGINT and SIGTERM instead of handling them; if `once`, a second one interrupts immediately.

    Signals within a second of the first one count as the same: wrappers such as `timeout` and terminals deliver one
    request to a process and again to its group. Ignored signals stay ignored. Other threads than the main one receive
    no signals, so nothing changes there.
    """
    received: list[int] = []
    received_at = 0.0
    handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def record_signal(number: int, frame: FrameType | None) -> None:
        nonlocal received_at
        if not received:
            received_at = time.monotonic()
        received.append(number)
        if once and time.monotonic() - received_at > SAME_SIGNAL_SECONDS:
            restore_handlers()
            signal.raise_signal(number)

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
