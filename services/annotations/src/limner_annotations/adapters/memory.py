"""Giving memory back to the operating system after large requests."""

import ctypes
import sys
from functools import cache

#: Requests of this many bytes leave enough behind to be worth the few milliseconds.
LARGE_BYTES = 8 * 1024 * 1024


def give_back_memory() -> None:
    """Return freed heap pages to the system where the C library can (glibc); a few milliseconds, releases the lock."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
