"""Streams of bytes: compressed on the way, hashed on the way, from one who pushes to one who pulls."""

import asyncio
import hashlib
import zlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from limner_common.errors import Invalid
from limner_common.objects.blocks import gathered

_A = TypeVar("_A")
_B = TypeVar("_B")

_GZIP = zlib.MAX_WBITS | 16
_LEVEL = 1
_WAITING = 4
#: The work of a block this large is done in a thread.
_BLOCK_BYTES = 1 << 20


async def gzipped(blocks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield a gzip stream of the blocks; compresses in a thread."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    async for block in gathered(blocks, _BLOCK_BYTES):
        if packed := await asyncio.to_thread(packer.compress, block):
            yield packed
    yield packer.flush()


async def gunzipped(blocks: AsyncIterable[bytes], name: str) -> AsyncGenerator[bytes, None]:
    """Yield what a gzip stream holds, in blocks of at most 1 MiB.

    Raises:
        Invalid: It is damaged or cut off.
    """
    opener = zlib.decompressobj(_GZIP)
    try:
        async for block in blocks:
            rest, data = block, block
            while rest or len(data) == _BLOCK_BYTES:  # a full block: there may be more of what was taken in
                data = opener.decompress(rest, _BLOCK_BYTES)
                rest = opener.unconsumed_tail
                if data:
                    yield data
    except zlib.error as error:
        raise Invalid(f"{name} is damaged: {error}.") from error
    if not opener.eof or opener.unused_data:
        raise Invalid(f"{name} is cut off.")


class Hashed:
    """Blocks that pass through, with their length and SHA-256 so far."""

    def __init__(self, blocks: AsyncIterable[bytes]) -> None:
        self._blocks = blocks
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in self._blocks:
            self._sha256.update(block)
            self.size_bytes += len(block)
            yield block

    async def drain(self) -> None:
        """Take all blocks and drop them."""
        async for _ in self:
            pass

    @property
    def sha256(self) -> str:
        """Hex digest of what has passed."""
        return self._sha256.hexdigest()


@asynccontextmanager
async def pushed(
    push: Callable[[Callable[[bytes], Awaitable[None]]], Coroutine[Any, Any, object]],
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Turn a source that pushes blocks to a coroutine into blocks to iterate over.

    Args:
        push: Called with the coroutine; ends when it has pushed all, and its error goes on to the iteration.
    """
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)

    async def run() -> None:
        try:
            await push(queue.put)
        except BaseException:
            while not queue.empty():  # nobody wants the rest, and the end must find room
                queue.get_nowait()
            queue.put_nowait(None)
            raise
        await queue.put(None)

    async def blocks() -> AsyncIterator[bytes]:
        while (block := await queue.get()) is not None:
            yield block
        await task  # whatever went wrong while pushing

    task = asyncio.create_task(run())
    try:
        yield blocks()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


async def in_order(
    items: AsyncIterable[_A], work: Callable[[_A], Coroutine[Any, Any, _B]], limit: int
) -> AsyncGenerator[_B, None]:
    """Yield the results of ``work`` in the order of the items, of which at most ``limit`` are under way."""
    under_way: deque[asyncio.Task[_B]] = deque()
    try:
        async for item in items:
            under_way.append(asyncio.create_task(work(item)))
            if len(under_way) >= limit:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
