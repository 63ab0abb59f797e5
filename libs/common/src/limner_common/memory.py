"""Keeping what the C library holds on to small: long-lived processes that work in bursts.

All of it is about glibc; elsewhere nothing is done. Source: the manual pages mallopt(3) and malloc_trim(3).
"""

import ctypes
import gc
import sys
from functools import cache
from typing import Final

#: Requests of this many bytes leave enough behind to be worth the few milliseconds.
LARGE_BYTES: Final = 8 * 1024 * 1024

_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2


def limit_arenas() -> None:
    """Let all threads share two heaps; call before threads are started.

    By default each gets one of its own, and what a thread of a pool has freed in its heap serves no other thread.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


def give_back_memory() -> None:
    """Return freed heap pages to the system; a few milliseconds, other threads of Python go on meanwhile."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def collect_and_give_back() -> None:
    """Do the same after collecting what only cycles keep alive: between two pieces of long work.

    The oldest generation is left out: walking all that a process has loaded costs more than it finds.
    """
    gc.collect(1)
    give_back_memory()


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
