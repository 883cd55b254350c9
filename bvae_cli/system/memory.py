"""What becomes of memory that is freed."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
GREATEST_BLOCK = 32 * 2**20  # bytes; what glibc allows, and more than any tensor of a step


def keep_freed_memory() -> None:
    """Have glibc keep what is freed, for this process.

    It would give the activations of each step back to the system and fetch them anew, page by page, at the next: up to
    a third of the step. Other C libraries are left as they are.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, GREATEST_BLOCK)
        library.mallopt(M_TRIM_THRESHOLD, 2**30)
