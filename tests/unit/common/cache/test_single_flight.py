"""One build for all who ask at once."""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from limner_common.cache import SingleFlight
from limner_common.errors import Unavailable


class Builder:
    """Counts builds; each waits until it may go on."""

    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        self.started += 1
        number = self.started
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return f"built {number}"


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_who_ask_share_one_build() -> None:
    flights, build = SingleFlight[str](), Builder()
    tasks = [asyncio.create_task(flights.run("a", build)) for _ in range(20)]
    await settle()
    build.may_end.set()

    assert await asyncio.gather(*tasks) == ["built 1"] * 20
    assert build.started == 1


async def test_other_keys_build_beside() -> None:
    flights, build = SingleFlight[str](), Builder()
    tasks = [asyncio.create_task(flights.run(key, build)) for key in ("a", "b")]
    await settle()
    build.may_end.set()

    assert await asyncio.gather(*tasks) == ["built 1", "built 2"]


async def test_nothing_is_remembered_after_the_build() -> None:
    flights, build = SingleFlight[str](), Builder()
    build.may_end.set()

    assert [await flights.run("a", build) for _ in range(2)] == ["built 1", "built 2"]


async def test_an_error_reaches_all_and_the_next_one_builds_again() -> None:
    flights, build = SingleFlight[str](), Builder()
    build.error = KeyError("broken")
    build.may_end.set()
    results = await asyncio.gather(*(flights.run("a", build) for _ in range(3)), return_exceptions=True)
    build.error = None

    assert [type(result) for result in results] == [KeyError] * 3
    assert await flights.run("a", build) == "built 2"


async def test_a_waiter_that_leaves_does_not_stop_the_others() -> None:
    flights, build = SingleFlight[str](), Builder()
    first, second = (asyncio.create_task(flights.run("a", build)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    build.may_end.set()

    assert await second == "built 1"
    assert first.cancelled()
    assert build.cancelled == 0


async def test_the_build_stops_when_the_last_waiter_leaves() -> None:
    flights, build = SingleFlight[str](), Builder()
    tasks = [asyncio.create_task(flights.run("a", build)) for _ in range(2)]
    await settle()
    for task in tasks:
        task.cancel()
    await settle()

    assert build.cancelled == 1
    build.may_end.set()
    assert await flights.run("a", build) == "built 2"


async def test_asking_while_an_abandoned_build_dies_starts_a_new_one() -> None:
    flights, build = SingleFlight[str](), Builder()
    task = asyncio.create_task(flights.run("a", build))
    await settle()
    task.cancel()
    await asyncio.sleep(0)
    build.may_end.set()

    assert await flights.run("a", build) == "built 2"


async def test_a_build_that_fails_after_all_have_left_is_not_complained_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flights = SingleFlight[str]()

    async def build() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError

    task = asyncio.create_task(flights.run("a", build))
    await settle()
    task.cancel()
    await settle()
    assert task.cancelled()
    assert caplog.records == []


async def test_a_build_cancelled_from_elsewhere_is_unavailable() -> None:
    async def build() -> str:
        raise asyncio.CancelledError

    with pytest.raises(Unavailable):
        await SingleFlight[str]().run("a", build)


async def test_the_build_has_the_context_of_who_asked_first() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    who.set("me")

    async def build() -> str:
        return who.get()

    assert await SingleFlight[str]().run("a", build) == "me"


class Replicas:
    """Two replicas' common lock."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        async with self.lock:
            yield


async def test_another_replica_finds_what_the_first_one_built() -> None:
    replicas, build, shelf = Replicas(), Builder(), dict[str, str]()

    async def build_and_keep() -> str:
        shelf["a"] = await build()
        return shelf["a"]

    async def find() -> str | None:
        return shelf.get("a")

    tasks = [asyncio.create_task(SingleFlight[str](replicas).run("a", build_and_keep, find)) for _ in range(2)]
    await settle()
    build.may_end.set()

    assert await asyncio.gather(*tasks) == ["built 1", "built 1"]


async def test_the_lock_is_let_go_when_the_build_fails_or_is_cancelled() -> None:
    replicas, build = Replicas(), Builder()
    flights = SingleFlight[str](replicas)
    task = asyncio.create_task(flights.run("a", build))
    await settle()
    assert replicas.lock.locked()
    task.cancel()
    await settle()
    assert not replicas.lock.locked()
    build.error = KeyError()
    build.may_end.set()
    with pytest.raises(KeyError):
        await flights.run("a", build)
    assert not replicas.lock.locked()
