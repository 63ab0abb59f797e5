"""Pictures on their way from a stream of frames into a writer's thread."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from limner_clients.frame_streams import FramePart
from limner_clients.media import MediaClient
from limner_common.errors import NotFound, Unavailable
from limner_exports.bridging import LoopBridge, run_bridged
from limner_exports.exporting import pictures
from limner_exports.exporting.pictures import TaskPictures


class Album(MediaClient):
    """Pictures of which every third is large and comes in parts."""

    def __init__(self, missing: int | None = None) -> None:
        self.missing = missing
        self.sent = 0
        self.is_open = False

    async def frames(self, task_id: int, numbers: Iterable[int]) -> AsyncGenerator[list[FramePart]]:
        assert task_id == 7
        self.is_open = True
        try:
            for number in numbers:
                if number == self.missing:
                    raise NotFound("The stored object was not found.")
                data = self.data(number)
                starts = range(0, len(data), 100)
                self.sent += 1
                yield [FramePart(number, data[start : start + 100], is_last=start == starts[-1]) for start in starts]
        finally:
            self.is_open = False

    def data(self, number: int) -> bytes:
        return bytes([number]) * (1000 if number % 3 == 0 else 50)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_HANDED_BYTES", 800)


async def test_each_picture_arrives_whole(executor: ThreadPoolExecutor) -> None:
    album = Album()

    def work(bridge: LoopBridge) -> list[bytes]:
        found = TaskPictures(album, bridge, 7, range(20))
        return [b"".join(found.open(number)) for number in range(20)]

    assert await run_bridged(executor, work) == [album.data(number) for number in range(20)]
    assert not album.is_open


async def test_pictures_that_nobody_opens_are_passed_over(executor: ThreadPoolExecutor) -> None:
    album = Album()

    def work(bridge: LoopBridge) -> list[bytes]:
        found = TaskPictures(album, bridge, 7, [0, 2, 4, 5, 9])
        return [b"".join(found.open(number)) for number in (2, 9)]

    assert await run_bridged(executor, work) == [album.data(2), album.data(9)]


async def test_a_picture_that_does_not_come_is_an_error_and_no_empty_file(executor: ThreadPoolExecutor) -> None:
    def work(bridge: LoopBridge) -> bytes:
        return b"".join(TaskPictures(Album(), bridge, 7, [1, 2]).open(3))

    with pytest.raises(Unavailable, match="frame 3"):
        await run_bridged(executor, work)


async def test_an_error_on_the_way_reaches_the_writer(executor: ThreadPoolExecutor) -> None:
    def work(bridge: LoopBridge) -> None:
        found = TaskPictures(Album(missing=5), bridge, 7, range(20))
        for number in range(20):
            b"".join(found.open(number))

    with pytest.raises(NotFound, match="stored object"):
        await run_bridged(executor, work)


async def test_the_stream_ends_when_the_writer_stops(executor: ThreadPoolExecutor) -> None:
    album = Album()

    def work(bridge: LoopBridge) -> None:
        found = TaskPictures(album, bridge, 7, range(100))
        for number in range(3):
            b"".join(found.open(number))
        raise KeyError("stop")

    with pytest.raises(KeyError):
        await run_bridged(executor, work)
    assert not album.is_open
    assert album.sent < 20
