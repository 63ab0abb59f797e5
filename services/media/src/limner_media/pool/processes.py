"""A bounded pool of worker processes that survives the death of its children."""

import asyncio
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from time import perf_counter
from types import ModuleType
from typing import Any, Final, TypeVar

import structlog

from limner_common.errors import RateLimited, Unavailable
from limner_common.observe import tracing
from limner_media import metrics
from limner_media.pool.children import start_child

log: Final = structlog.get_logger(__name__)
T = TypeVar("T")

_RETRY_AFTER_SECONDS: Final = 10
#: How calls end in metrics, by the code of the error.
_OUTCOMES: Final = {"media_busy": "refused", "media_timeout": "timed_out", "media_decoder_crashed": "crashed"}
_PRELOADED: Final = ["limner_media.pool.children"]


class PoolBusy(RateLimited):
    """More calls wait than are allowed."""

    def __init__(self) -> None:
        super().__init__(
            "The server is busy preparing media; try again shortly.",
            code="media_busy",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )


class ProcessPool:
    """Runs picklable functions in worker processes.

    A child that dies (a decoder crashed, memory ran out) takes down the executor: it is replaced and the call made once
    more. Children are forked from a server process that has loaded the libraries, so they start in milliseconds.

    Args:
        size: Number of processes; they start when first needed.
        queue_limit: Calls in work and waiting beyond which more are refused.
        call_seconds: Longest call; then its process is killed.
        max_pixels: Largest image the children decode.
        max_open_videos: Videos each child keeps open.
        name: What it is called in metrics.
    """

    def __init__(
        self, size: int, *, queue_limit: int, call_seconds: float, max_pixels: int, max_open_videos: int = 4, name: str
    ) -> None:
        self.size = size
        self._queue_limit = queue_limit
        self._call_seconds = call_seconds
        self._settings = (max_pixels, max_open_videos)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._executor: ProcessPoolExecutor | None = None
        self._pending = 0
        self._name = name
        metrics.POOL_PROCESSES.labels(name).set(size)

    @property
    def is_idle(self) -> bool:
        """Whether a process is free: the moment to work ahead."""
        return self._pending < self.size

    async def warm_up(self) -> None:
        """Start the server process that children are forked from; it loads the libraries meanwhile."""
        await asyncio.to_thread(forkserver.ensure_running)

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Return ``function(*args)``, called in a worker process.

        Raises:
            PoolBusy: The queue is full.
            Unavailable: The process died twice, or the call took too long.
        """
        started, outcome = perf_counter(), "ok"
        try:
            with tracing.step(f"process {function.__name__}", pool=self._name):
                return await self._queued(function, args)
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Exception as error:
            outcome = _OUTCOMES.get(getattr(error, "code", ""), "failed")
            raise
        finally:
            metrics.POOL_SECONDS.labels(self._name, outcome).observe(perf_counter() - started)

    async def close(self) -> None:
        """End the processes. Idempotent."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(_end, executor)

    async def _queued(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        if self._pending >= self._queue_limit:
            raise PoolBusy
        self._count(1)
        try:
            return await self._run(function, args)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._pending += change
        metrics.POOL_PENDING.labels(self._name).set(self._pending)

    async def _run(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        for _ in range(2):
            executor = self._current()
            try:
                future = _submit(executor, function, args)
                return await asyncio.wait_for(asyncio.wrap_future(future), self._call_seconds)
            except BrokenProcessPool as error:
                log.warning("media_worker_died", function=function.__name__, error=str(error))
                self._drop(executor)
            except TimeoutError:
                log.warning("media_worker_timed_out", function=function.__name__, seconds=self._call_seconds)
                self._drop(executor)
                raise Unavailable("Reading the media took too long.", code="media_timeout") from None
        raise Unavailable("Reading the media failed: the decoder crashed.", code="media_decoder_crashed")

    def _current(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(self.size, self._context, initializer=start_child, initargs=self._settings)
        return self._executor

    def _drop(self, executor: ProcessPoolExecutor) -> None:
        if self._executor is executor:
            self._executor = None
            # Ending waits for children; whoever called is not to.
            asyncio.get_running_loop().run_in_executor(None, _end, executor)


def _submit(executor: ProcessPoolExecutor, function: Callable[..., T], args: tuple[Any, ...]) -> "Future[T]":
    """Hand a call to the executor.

    Raises:
        BrokenProcessPool: A child has died, or none can be started.
    """
    try:
        with _hidden_main():
            return executor.submit(function, *args)
    except OSError as error:
        # It starts a child with pipes that it is closing because another one died, before it says that it is broken.
        raise BrokenProcessPool(f"no process could be started: {error}") from error


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep children that are started inside from importing the program's main module.

    They would load all of the product, each of them, before the first call; nothing they run lives there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _end(executor: ProcessPoolExecutor) -> None:
    # Kept by the executor under a private name until Python 3.14 has terminate_workers(): a decoder that hangs would
    # otherwise stay for ever.
    children = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for child in children:
        with suppress(Exception):
            child.terminate()
    for child in children:
        with suppress(Exception):
            child.join(2)
            if child.is_alive():
                child.kill()
