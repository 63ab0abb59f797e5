"""Pictures fetched ahead of the writer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from limner_clients.media import MediaClient, OpenFile
from limner_exports.bridging import LoopBridge, run_bridged
from limner_exports.exporting import pictures
from limner_exports.exporting.pictures import TaskPictures


class Album(MediaClient):
    """Pictures of which every third is large."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.open_now = 0
        self.most_open = 0

    @asynccontextmanager
    async def open_frame(self, task_id: int, number: int, form: Any = "original") -> AsyncIterator[OpenFile]:
        assert (task_id, form) == (7, "raw")
        self.opened.append(number)
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        data = self.data(number)

        async def blocks() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 100):
                await asyncio.sleep(0)
                yield data[start : start + 100]

        try:
            yield OpenFile(extension="png", media_type="image/png", size_bytes=len(data), blocks=blocks())
        finally:
            self.open_now -= 1

    def data(self, number: int) -> bytes:
        return bytes([number]) * (1000 if number % 3 == 0 else 50)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_HELD_BYTES", 800)


@pytest.mark.parametrize("ahead", [1, 4])
async def test_each_picture_arrives_whole(executor: ThreadPoolExecutor, ahead: int) -> None:
    album = Album()

    def work(bridge: LoopBridge) -> list[bytes]:
        found = TaskPictures(album, bridge, 7, range(20), ahead=ahead)
        return [b"".join(found.open(number)) for number in range(20)]

    assert await run_bridged(executor, work) == [album.data(number) for number in range(20)]
    assert (album.open_now, album.most_open <= ahead + 1) == (0, True)


async def test_pictures_that_nobody_opens_are_passed_over(executor: ThreadPoolExecutor) -> None:
    album = Album()

    def work(bridge: LoopBridge) -> list[bytes]:
        found = TaskPictures(album, bridge, 7, [0, 2, 4, 5, 9], ahead=2)
        return [b"".join(found.open(number)) for number in (2, 9)]

    assert await run_bridged(executor, work) == [album.data(2), album.data(9)]


async def test_nothing_stays_open_when_the_writer_stops(executor: ThreadPoolExecutor) -> None:
    album = Album()

    def work(bridge: LoopBridge) -> None:
        found = TaskPictures(album, bridge, 7, range(100), ahead=4)
        for number in range(3):
            b"".join(found.open(number))
        raise KeyError("stop")

    with pytest.raises(KeyError):
        await run_bridged(executor, work)
    assert album.open_now == 0 and len(album.opened) < 20
