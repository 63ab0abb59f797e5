"""Frames of a task as one stream of bytes: before each a head that says which it is and how long, then its bytes.

``media`` writes such streams, others read them. A stream that breaks off is asked for again from where it broke.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice

import msgspec
import structlog

from limner_clients.base import InternalClient
from limner_common.errors import RateLimited, Unavailable

log = structlog.get_logger(__name__)

#: Frames asked for in one request; bounds what a list of numbers takes in an address.
_FRAMES_AT_ONCE = 500
#: Requests in a row that bring nothing before an error goes to the caller.
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1
_LENGTH_BYTES = 4


class FrameHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Comes before the bytes of a frame: its number, how many bytes follow, and their MIME type."""

    number: int
    size_bytes: int
    media_type: str


class FramePart(msgspec.Struct, frozen=True, gc=False):
    """Some bytes of a frame; ``is_last`` says that they are its last."""

    number: int
    data: bytes
    is_last: bool


async def stream_frames(client: InternalClient, task_id: int, numbers: Iterable[int]) -> AsyncGenerator[list[FramePart]]:
    """Yield frames as they were sent, of a video as PNG: in order, whatever of them has just arrived.

    In memory is what one read of the connection brings. A stream that breaks off is taken up where it broke, as long as each
    of a few attempts brings something.

    Args:
        client: Client of ``media``.
        task_id: The task.
        numbers: Frames in the order wanted.

    Raises:
        NotFound: The task has no data.
        Invalid: It has no such frame, or one cannot be read.
        Unavailable: The service cannot be reached.
        RateLimited: It is too busy.
    """
    for batch in _batched(numbers, _FRAMES_AT_ONCE):
        missing = MissingFrames(batch)
        attempts = 0
        while not missing.is_empty:
            before = missing.position
            try:
                async with aclosing(_ask(client, task_id, missing)) as answer:
                    async for parts in answer:
                        yield parts
                if not missing.is_empty:
                    raise Unavailable("The frames broke off.", code="frames_broke_off")
            except (Unavailable, RateLimited) as error:
                attempts = attempts + 1 if missing.position == before else 1
                if attempts >= _ATTEMPTS:
                    raise
                log.info("frames_taken_up_again", task_id=task_id, frame=missing.first, error=error.message)
                await asyncio.sleep(_PAUSE_SECONDS * 2**attempts * random.uniform(0.5, 1))


async def _ask(client: InternalClient, task_id: int, missing: "MissingFrames") -> AsyncGenerator[list[FramePart]]:
    params = {"numbers": missing.as_ranges(), "skip": str(missing.skipped_bytes)}
    reader = FrameReader()
    async with client.stream("GET", f"/internal/tasks/{task_id}/frames", params=params) as response:
        async for block in response.aiter_bytes():
            if parts := reader.read(block):
                missing.take(parts)
                yield parts


def framed(message: bytes) -> bytes:
    """Return a message as streams carry it: its length in four bytes before it."""
    return len(message).to_bytes(_LENGTH_BYTES, "big") + message


class FrameReader:
    """Takes a stream of frames apart, block by block."""

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(FrameHead)
        self._buffer = bytearray()
        self._head: FrameHead | None = None
        self._left_bytes = 0

    def read(self, block: bytes) -> list[FramePart]:
        """Return what a block brings of frames."""
        self._buffer += block
        parts: list[FramePart] = []
        while (self._head is not None and self._buffer) or self._read_head():
            assert self._head is not None
            content = bytes(self._buffer[: self._left_bytes])
            del self._buffer[: len(content)]
            self._left_bytes -= len(content)
            parts.append(FramePart(self._head.number, content, is_last=self._left_bytes == 0))
            if self._left_bytes == 0:
                self._head = None
        return parts

    def _read_head(self) -> bool:
        stop = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
        if self._head is not None or len(self._buffer) <= _LENGTH_BYTES or len(self._buffer) < stop:
            return False
        self._head = self._decoder.decode(self._buffer[_LENGTH_BYTES:stop])
        self._left_bytes = self._head.size_bytes
        del self._buffer[:stop]
        return True


class MissingFrames:
    """Frames that are still to come, and how much of the first of them is there already."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = deque(numbers)
        self.skipped_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether all have come."""
        return not self._numbers

    @property
    def first(self) -> int:
        """The next frame to come."""
        return self._numbers[0]

    @property
    def position(self) -> tuple[int, int]:
        """Something that changes with everything that comes."""
        return len(self._numbers), self.skipped_bytes

    def take(self, parts: Iterable[FramePart]) -> None:
        """Note what has come.

        Raises:
            Unavailable: It is not what was to come.
        """
        for part in parts:
            if not self._numbers or part.number != self._numbers[0]:
                raise Unavailable("Frames came in another order than asked for.", code="frames_broke_off")
            self.skipped_bytes += len(part.data)
            if part.is_last:
                self._numbers.popleft()
                self.skipped_bytes = 0

    def as_ranges(self) -> str:
        """Return the numbers as text; those that follow each other as ranges, such as ``0-99,105``."""
        spans: list[list[int]] = []
        for number in self._numbers:
            if spans and number == spans[-1][1] + 1:
                spans[-1][1] = number
            else:
                spans.append([number, number])
        return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def _batched(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    left = iter(numbers)
    while batch := list(islice(left, size)):
        yield batch
