"""A pool of threads for blocking work of one owner, so that no other part's slow calls can starve it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Threads:
    """Runs blocking functions off the event loop. Threads start when first needed.

    Args:
        max_threads: How many calls may block at once; more wait in order.
        name: Prefix of the threads' names.
    """

    def __init__(self, max_threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_threads, thread_name_prefix=name)

    async def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return ``function(*args)``, called in a thread.

        A caller that is cancelled still waits until the function has returned, so what the function works on can be
        closed or removed right after.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await wait_out(future)
            raise

    async def run_detached(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return ``function(*args)``, called in a thread that is left behind when the caller is cancelled.

        Only for functions that clean up after themselves and change nothing.
        """
        return await self.start(function, *args)

    def start(self, function: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """Begin ``function(*args)`` in a thread and return its future on the running loop."""
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def close(self) -> None:
        """Take no more work; threads end when what they do is done. Idempotent, does not wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def wait_out(future: "asyncio.Future[T]") -> None:
    """Wait until ``future`` is done, through any number of cancellations, without raising its error."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
    if not future.cancelled():
        future.exception()
