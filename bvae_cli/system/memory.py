"""Configuration of the C library's memory allocator."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # parameter numbers of mallopt(3)
MAX_HEAP_BLOCK = 32 * 2**20  # bytes; the maximum that glibc allows, and more than any tensor of a training step


def keep_freed_memory() -> None:
    """Make glibc keep freed memory in this process instead of returning it to the operating system.

    By default glibc returns the activations of each step, and the next step faults them in again page by page. That
    takes up to a third of a step. Other C libraries are not changed.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, MAX_HEAP_BLOCK)
        library.mallopt(M_TRIM_THRESHOLD, 2**30)
