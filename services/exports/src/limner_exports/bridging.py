"""Synchronous work in a thread that reads from the event loop: a bounded number of items ahead, and never left behind."""

import asyncio
import threading
from collections.abc import AsyncIterable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class BridgeClosed(Exception):
    """The work is to end: nobody waits for it any more."""


class _End:
    """Stands for the end of a stream, and for the error it ended with."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class LoopBridge:
    """The way from one thread to the event loop it was made on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._is_closed = False
        self._waiting: set[Future[Any]] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    def iterate(self, source: Callable[[], AsyncIterable[T]], *, ahead: int = 2) -> Iterator[T]:
        """Yield what an asynchronous stream yields; called in the thread.

        Args:
            source: Opens the stream, on the event loop.
            ahead: How many items may wait here for the thread.

        Raises:
            BridgeClosed: The work is to end.
        """
        queue: asyncio.Queue[T | _End] = asyncio.Queue(ahead)
        pump = self._call(self._start(source, queue))
        try:
            while not isinstance(item := self._call(queue.get()), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            with suppress(BridgeClosed):
                self._call(self._stop(pump))

    async def close(self) -> None:
        """Make all calls of the thread fail from now on, and end its streams; called on the event loop."""
        with self._lock:
            self._is_closed = True
            waiting = list(self._waiting)
        for future in waiting:
            future.cancel()
        pumps = list(self._pumps)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    def _call(self, coroutine: Coroutine[Any, Any, R]) -> R:
        with self._lock:
            if self._is_closed:
                coroutine.close()
                raise BridgeClosed
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self._waiting.add(future)
        try:
            return future.result()
        except CancelledError:
            raise BridgeClosed from None
        finally:
            with self._lock:
                self._waiting.discard(future)

    async def _start(self, source: Callable[[], AsyncIterable[T]], queue: "asyncio.Queue[T | _End]") -> "asyncio.Task[None]":
        pump = asyncio.create_task(_pump(source(), queue))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        return pump

    async def _stop(self, pump: "asyncio.Task[None]") -> None:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)


async def run_bridged(executor: Executor, work: Callable[[LoopBridge], R]) -> R:
    """Run work in a thread and return what it returns; when the caller is cancelled, the thread is ended first.

    Args:
        executor: Where the thread comes from.
        work: Synchronous; reaches the event loop through its argument only.
    """
    bridge = LoopBridge()
    future = asyncio.get_running_loop().run_in_executor(executor, work, bridge)
    try:
        return await asyncio.shield(future)
    finally:
        await bridge.close()
        if not future.done():
            with suppress(Exception):
                await future


async def _pump(source: AsyncIterable[T], queue: "asyncio.Queue[T | _End]") -> None:
    end = _End(None)
    stream = aiter(source)
    try:
        async for item in stream:
            await queue.put(item)
    except Exception as error:  # the thread raises it
        end = _End(error)
    finally:
        if close := getattr(stream, "aclose", None):
            await close()
    await queue.put(end)
