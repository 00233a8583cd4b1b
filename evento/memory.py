"""Memory that a process no longer needs goes back to the system."""

import ctypes
from contextlib import suppress

# glibc's <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
BLOCK_BYTES = 2**20
TRIM_BYTES = 128 * 1024
ARENAS = 2


def give_memory_back() -> None:
    """Tell glibc's malloc to keep no large blocks; elsewhere nothing happens. Call it before threads start.

    By itself it raises its bounds with the first large block that is given back, such as the 9 MiB of a
    password's hash, and from then on each thread keeps such blocks in an arena of its own, for good.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)
