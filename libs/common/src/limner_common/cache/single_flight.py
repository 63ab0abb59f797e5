"""Building a thing once, however many ask for it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Generic, Protocol, TypeVar

from limner_common.errors import Unavailable

T = TypeVar("T")


class ReplicaLock(Protocol):
    """Keeps replicas of a service from building the same thing at once.

    Saves work, no more: a lock may be lost when its holder is slow, so what is built twice must come out the same.
    A single process needs none.
    """

    def hold(self, key: str) -> AbstractAsyncContextManager[None]:
        """Wait until no other replica holds ``key``, then hold it while inside.

        A holder that dies lets go after a bounded time. When the lock's backend is away, entering does not wait.
        """
        ...


class SingleFlight(Generic[T]):
    """Runs at most one build per key; who asks meanwhile waits for the same result.

    Use from one event loop.

    Args:
        replicas: Lock across replicas; None where there is one process.
    """

    def __init__(self, replicas: ReplicaLock | None = None) -> None:
        self._replicas = replicas
        self._flights: dict[str, _Flight[T]] = {}

    async def run(
        self, key: str, build: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]] | None = None
    ) -> T:
        """Return what ``build`` makes, or what a build of ``key`` under way makes.

        The build is a task of its own, with the context of who asked first. Its error is raised to all who wait; the
        next one to ask builds again. A waiter that is cancelled leaves; when the last one leaves, the build is
        cancelled.

        Args:
            key: Names the thing.
            build: Makes it.
            find: Looks for it where builds leave it; asked when the build is about to begin, because one that had just
                ended, here or on another replica, may have left it there.

        Raises:
            Unavailable: The build was cancelled by something else than its waiters.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._build(key, build, find)))
            self._flights[key] = flight
            flight.task.add_done_callback(partial(self._land, key, flight))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if flight.task.cancelled() and not _is_cancelling():
                raise Unavailable("What was asked for could not be built now.", code="build_cancelled") from None
            raise
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()

    async def _build(self, key: str, build: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]] | None) -> T:
        async with nullcontext() if self._replicas is None else self._replicas.hold(key):
            found = await find() if find is not None else None
            return await build() if found is None else found

    def _land(self, key: str, flight: "_Flight[T]", task: "asyncio.Task[T]") -> None:
        self._forget(key, flight)
        if not task.cancelled():
            # Nobody may be left to hear of it.
            task.exception()

    def _forget(self, key: str, flight: "_Flight[T]") -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight(Generic[T]):
    def __init__(self, task: "asyncio.Task[T]") -> None:
        self.task = task
        self.waiters = 0


def _is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
