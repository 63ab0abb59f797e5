"""Streams of frames: taken apart as they arrive, taken up again where they broke."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from limner_clients import frame_streams
from limner_clients.base import InternalClient
from limner_clients.frame_streams import FrameHead, FrameReader, framed, stream_frames
from limner_common.errors import Invalid, Unavailable
from limner_common.grants import Keyring, new_private_key
from limner_common.http.errors import render_problem
from limner_common.http.upstream import Upstreams

PICTURES = {number: bytes([number % 251]) * (number * 37 % 900) for number in range(1200)}


def encoded(numbers: list[int], skip: int = 0) -> bytes:
    stream = b""
    for number in numbers:
        data = PICTURES[number][skip:]
        stream += framed(msgspec.msgpack.encode(FrameHead(number, len(data), "image/png"))) + data
        skip = 0
    return stream


@pytest.mark.parametrize("size", [1, 3, 7, 100, 10**6])
def test_a_stream_is_taken_apart_whatever_its_blocks(size: int) -> None:
    numbers = [5, 0, 3, 900, 7]  # frame 0 has no bytes at all
    stream = encoded(numbers)
    reader = FrameReader()
    parts = [part for start in range(0, len(stream), size) for part in reader.read(stream[start : start + size])]
    assert [part.number for part in parts if part.is_last] == numbers
    found = {number: b"".join(part.data for part in parts if part.number == number) for number in numbers}
    assert found == {number: PICTURES[number] for number in numbers}


class Media:
    """Answers streams, cut off as ``cut`` says: bytes to send per request, None for all."""

    def __init__(self, cut: Callable[[int], int | None]) -> None:
        self.cut = cut
        self.asked: list[tuple[str, int]] = []

    def client(self) -> InternalClient:
        return InternalClient("media", Upstreams({"media": self}), Keyring("exports", new_private_key(), {}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert Request(scope).url.path == "/internal/tasks/7/frames"
        query = parse_qs(scope["query_string"].decode())
        text, skip = query["numbers"][0], int(query["skip"][0])
        self.asked.append((text, skip))
        numbers = []
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
        await self.answer(numbers, skip)(scope, receive, send)

    def answer(self, numbers: list[int], skip: int) -> Response:
        stream = encoded(numbers, skip)[: self.cut(len(self.asked))]

        async def blocks() -> AsyncIterator[bytes]:
            for start in range(0, len(stream), 1000):
                yield stream[start : start + 1000]

        return StreamingResponse(blocks())


async def collect(media: Media, numbers: list[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    async for parts in stream_frames(media.client(), 7, numbers):
        for part in parts:
            found[part.number] = found.get(part.number, b"") + part.data
    return found


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_streams, "_PAUSE_SECONDS", 0.001)


async def test_many_frames_come_in_few_requests() -> None:
    media = Media(lambda _: None)
    numbers = [*range(600), *range(601, 1200, 2)]
    assert await collect(media, numbers) == {number: PICTURES[number] for number in numbers}
    assert media.asked[0] == ("0-499", 0)
    assert len(media.asked) == 2


async def test_a_stream_that_breaks_is_taken_up_in_the_middle_of_a_frame() -> None:
    media = Media(lambda _: 5_000)
    numbers = list(range(100, 200))
    assert await collect(media, numbers) == {number: PICTURES[number] for number in numbers}
    assert len(media.asked) > 5
    assert any(skip for _, skip in media.asked)


async def test_a_stream_that_brings_nothing_is_given_up() -> None:
    media = Media(lambda _: 0)
    with pytest.raises(Unavailable, match="broke off"):
        await collect(media, [1, 2])
    assert len(media.asked) == frame_streams._ATTEMPTS


async def test_a_stream_of_other_frames_is_refused() -> None:
    class Confused(Media):
        def answer(self, numbers: list[int], skip: int) -> Response:
            return super().answer([4, *numbers], skip)

    with pytest.raises(Unavailable, match="another order"):
        await collect(Confused(lambda _: None), [1, 2])


async def test_a_refusal_is_not_repeated() -> None:
    class Refusing(Media):
        def answer(self, numbers: list[int], skip: int) -> Response:
            return render_problem(Invalid("a.png: the file is damaged", code="unusable_media"))

    media = Refusing(lambda _: None)
    with pytest.raises(Invalid, match=r"a\.png: the file is damaged"):
        await collect(media, [1, 2])
    assert len(media.asked) == 1
