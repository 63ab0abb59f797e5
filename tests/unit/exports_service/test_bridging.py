"""The way from a thread to the event loop."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from limner_exports.bridging import BridgeClosed, LoopBridge, run_bridged


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


class Source:
    """Numbers, and what became of the stream."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count = count
        self.error = error
        self.given = 0
        self.is_closed = False

    async def __call__(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                self.given += 1
                yield number
                await asyncio.sleep(0)
            if self.error is not None:
                raise self.error
        finally:
            self.is_closed = True


async def test_a_thread_reads_a_stream_to_its_end(executor: ThreadPoolExecutor) -> None:
    source = Source(100)
    found = await run_bridged(executor, lambda bridge: list(bridge.iterate(source.__call__)))
    assert found == list(range(100)) and source.is_closed


async def test_two_streams_are_read_alternately(executor: ThreadPoolExecutor) -> None:
    def work(bridge: LoopBridge) -> list[tuple[int, int]]:
        first, second = bridge.iterate(Source(5).__call__), bridge.iterate(Source(5).__call__)
        return list(zip(first, second, strict=True))

    assert await run_bridged(executor, work) == [(n, n) for n in range(5)]


async def test_an_error_of_the_stream_is_raised_in_the_thread(executor: ThreadPoolExecutor) -> None:
    source = Source(3, ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await run_bridged(executor, lambda bridge: list(bridge.iterate(source.__call__)))


async def test_only_a_few_items_wait_for_the_thread(executor: ThreadPoolExecutor) -> None:
    source = Source(100)
    most: list[int] = []

    def work(bridge: LoopBridge) -> None:
        for taken, _ in enumerate(bridge.iterate(source.__call__, ahead=2)):
            most.append(source.given - taken)

    await run_bridged(executor, work)
    assert max(most) <= 5


async def test_a_stream_that_is_left_early_is_closed(executor: ThreadPoolExecutor) -> None:
    source = Source(100)
    assert await run_bridged(executor, lambda bridge: next(bridge.iterate(source.__call__))) == 0
    assert source.is_closed and source.given < 10


async def test_an_error_of_the_thread_ends_its_streams(executor: ThreadPoolExecutor) -> None:
    source = Source(100)

    def work(bridge: LoopBridge) -> None:
        for _ in bridge.iterate(source.__call__):
            raise KeyError("mine")

    with pytest.raises(KeyError):
        await run_bridged(executor, work)
    assert source.is_closed


async def test_cancelling_waits_for_the_thread_to_end(executor: ThreadPoolExecutor) -> None:
    started, ended = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    def work(bridge: LoopBridge) -> None:
        try:
            for _ in bridge.iterate(endless):
                loop.call_soon_threadsafe(started.set)
        except BridgeClosed:
            time.sleep(0.05)
            ended.set()
            raise

    working = asyncio.create_task(run_bridged(executor, work))
    await started.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert ended.is_set()
