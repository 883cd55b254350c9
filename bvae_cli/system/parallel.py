"""Parallel maps over all CPU cores."""

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from bvae_cli.system.interruption import ignore_sigint

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # read when libraries are loaded

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_threads() -> int:
    """Return the number of threads that this process may use: OMP_NUM_THREADS, or the number of its cores."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(limit)) if limit.isdigit() else len(os.sched_getaffinity(0))


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], initializer: Callable[[], None] | None = None
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order, computed by threads with bounded read-ahead.

    The initializer is called once in each thread.
    """
    threads = num_threads()
    if threads == 1:
        yield from map(function, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, initializer=initializer) as pool:
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
    if multiprocessing.current_process().daemon:
        yield from (function(*each) for each in arguments)
        return
    from loky import ProcessPoolExecutor  # imported here, because only some metrics need it

    threads = dict.fromkeys(THREAD_VARIABLES, "1")
    pool = ProcessPoolExecutor(initializer=exit_with_parent, initargs=(os.getpid(),), env=threads)
    try:
        with ignore_sigint():
            results = [pool.submit(function, *each) for each in arguments]
        yield from (result.result() for result in results)
    finally:
        pool.shutdown(kill_workers=True)


def exit_with_parent(parent: int) -> None:
    """Have this process exit once the process with the ID `parent` has ended."""

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
