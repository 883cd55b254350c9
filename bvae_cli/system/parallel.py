"""Parallel maps over all CPU cores."""

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ordered(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order, computed by threads with bounded read-ahead."""
    threads = os.cpu_count() or 1
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > 2 * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def map_in_processes(function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
    """Yield `function(*each)` for each tuple of arguments, in order, computed by one process per core.

    Each process has one thread. Daemonic processes, such as the workers of a sweep, cannot start others and compute
    everything themselves.
    """
    from joblib import Parallel, delayed  # imported here, because only some metrics need it

    workers = 1 if multiprocessing.current_process().daemon else -1
    yield from Parallel(workers, return_as="generator")(
        delayed(call_in_worker)(os.getpid(), function, each) for each in arguments
    )


def call_in_worker(parent: int, function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    """Return `function(*arguments)`; a worker process exits when the process that started it does."""
    name = "exit with parent"
    if os.getpid() != parent and name not in {thread.name for thread in threading.enumerate()}:
        threading.Thread(target=exit_with_parent, args=(os.getppid(),), name=name, daemon=True).start()
    return function(*arguments)


def exit_with_parent(parent: int) -> None:
    """Exit this process once its parent process ID changes, because the parent has then ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
