"""Many frames in one answer: before each a message that says which it is and how long, then its bytes as they were sent.

A frame that turns out to be unreadable ends the answer, and whoever asked sees that frames are missing; when he asks for it
first, he is told why.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

import msgspec

from limner_clients.frame_streams import FrameHead, framed
from limner_common.errors import Invalid
from limner_media.container import MediaContainer
from limner_media.core.chunks import Quality
from limner_media.datas.service import check_frame_number
from limner_media.datas.values import Frame, TaskData
from limner_media.errors import media_errors
from limner_media.frames.service import PNG_MIME, mime_of
from limner_media.sources.locating import Sources

#: Frames of one answer.
MAX_FRAMES = 1000
#: Frames up to this size are read whole, several at a time; larger ones are streamed when their turn comes.
_SMALL_BYTES = 1 << 20
_AHEAD = 8
#: Pieces are sent together up to this size.
_SENT_BYTES = 256 << 10

_encoder = msgspec.msgpack.Encoder()


def parse_numbers(text: str, data: TaskData) -> list[int]:
    """Read frame numbers such as ``0-99,105``.

    Raises:
        Invalid: It is no such list, has too many, or names a frame that the task does not have.
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isascii() and first.isdigit() and (not last or (last.isascii() and last.isdigit()))):
            raise Invalid(fields={"numbers": ["Expected numbers and ranges, separated by commas."]})
        span = range(int(first), int(last or first) + 1)
        if not span or len(numbers) + len(span) > MAX_FRAMES:
            raise Invalid(fields={"numbers": [f"Expected ascending ranges of {MAX_FRAMES} frames together at most."]})
        check_frame_number(data, span[-1])
        numbers += span
    return numbers


async def frame_stream(
    container: MediaContainer, data: TaskData, numbers: Sequence[int], skipped_bytes: int
) -> AsyncIterator[bytes]:
    """Yield frames as they were sent, of a video as PNG, in pieces of bounded size.

    Args:
        container: The service's container.
        data: Data of the task.
        numbers: Its frames, in the order wanted.
        skipped_bytes: How many bytes of the first frame to leave out.

    Raises:
        DomainError: A frame cannot be read. For the first one, before anything is yielded.
    """
    frames = _images if data.video is None else _video
    parts = frames(container, data, numbers, skipped_bytes)
    waiting: list[bytes] = []
    size = 0
    async for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _SENT_BYTES:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if waiting:
        yield b"".join(waiting)


async def _images(
    container: MediaContainer, data: TaskData, numbers: Sequence[int], skipped_bytes: int
) -> AsyncIterator[bytes]:
    sources = container.sources
    found = {frame.number: frame for frame in await container.datas.frames(data, numbers)}
    left = deque(found[number] for number in numbers)
    reading: deque[tuple[Frame, asyncio.Task[bytes] | None]] = deque()
    try:
        while left or reading:
            while left and len(reading) < _AHEAD:
                reading.append(_begin(sources, left.popleft()))
            frame, task = reading.popleft()
            if task is not None:
                with media_errors():
                    content = (await task)[skipped_bytes:]
                yield _head(frame.number, len(content), mime_of(frame))
                yield content
            else:
                async with sources.open(frame.piece, skipped_bytes) as body:
                    yield _head(frame.number, body.length_bytes, mime_of(frame))
                    async for block in body:
                        yield block
            skipped_bytes = 0
    finally:
        for _, task in reading:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for _, task in reading if task is not None), return_exceptions=True)


def _begin(sources: Sources, frame: Frame) -> tuple[Frame, "asyncio.Task[bytes] | None"]:
    piece = frame.piece
    is_streamed = piece.is_plain and piece.size_bytes > _SMALL_BYTES
    return frame, None if is_streamed else asyncio.create_task(sources.read(piece))


async def _video(
    container: MediaContainer, data: TaskData, numbers: Sequence[int], skipped_bytes: int
) -> AsyncIterator[bytes]:
    # One after the other: decoding goes on where the frame before ended.
    for number in numbers:
        content = (await container.frames.video_frame(data, number, Quality.ORIGINAL)).value[skipped_bytes:]
        yield _head(number, len(content), PNG_MIME)
        yield content
        skipped_bytes = 0


def _head(number: int, size_bytes: int, media_type: str) -> bytes:
    return framed(_encoder.encode(FrameHead(number, size_bytes, media_type)))
