"""Work for all CPU cores."""

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
    """What a function that lets other threads run makes of items, in their order; a few are under way at a time."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def in_processes(function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
    """Yield `function(*each)` for each of the arguments, in order, computed by one process per core.

    Each process has one thread. A process that may not start others, as those of a sweep, computes all by itself.
    """
    from joblib import Parallel, delayed  # only metrics that need processes load it

    workers = 1 if multiprocessing.current_process().daemon else -1
    yield from Parallel(workers, return_as="generator")(
        delayed(in_worker)(os.getpid(), function, each) for each in arguments
    )


def in_worker(parent: int, function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    """Return `function(*arguments)`; a process that was started for it ends with the one that started it."""
    name = "end with parent"
    if os.getpid() != parent and name not in {thread.name for thread in threading.enumerate()}:
        threading.Thread(target=end_with, args=(os.getppid(),), name=name, daemon=True).start()
    return function(*arguments)


def end_with(parent: int) -> None:
    """End this process once its parent is another one, since the first is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
