"""A time limit for blocking calls."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def run_with_timeout(seconds: float, work: Callable[[], Result]) -> Result:
    """Return the result of `work`, or raise its exception; it runs in a thread that is abandoned after `seconds`.

    Raises:
        TimeoutError: `work` took longer than `seconds`.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result(timeout=seconds)
