"""Feeding an upload that reads in a thread from blocks that arrive on the event loop."""

import asyncio
import hashlib
import queue
from collections.abc import AsyncIterable, Callable
from contextlib import aclosing
from typing import BinaryIO, Final, TypeVar, cast

from limner_common.objects.blocks import gathered
from limner_common.objects.port import BLOCK_BYTES
from limner_common.objects.threads import Threads, wait_out

T = TypeVar("T")

#: Blocks on their way between loop and thread.
_WAITING_BLOCKS: Final = 4


class _Aborted(Exception):
    """The blocks will not come; makes the client drop its multipart upload."""


class _Feed:
    """A file the thread reads and the loop writes; ``None`` in the queue ends it, an exception breaks it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(_WAITING_BLOCKS)
        self._queue: queue.SimpleQueue[bytes | _Aborted | None] = queue.SimpleQueue()
        self._rest = memoryview(b"")
        self._is_over = False
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    async def send(self, block: bytes) -> None:
        """Pass on a block, after waiting for room."""
        await self._room.acquire()
        self._queue.put(block)

    def end(self, item: _Aborted | None) -> None:
        """Say that no more blocks come, for good or bad."""
        self._queue.put(item)

    def free(self) -> None:
        """Let all senders pass: nobody reads any more."""
        for _ in range(_WAITING_BLOCKS):
            self._room.release()

    @property
    def sha256(self) -> str:
        """Hex digest of what was read."""
        return self._sha256.hexdigest()

    def read(self, size_bytes: int) -> bytes:
        """Return up to ``size_bytes``, waiting for the loop; nothing at the end. Called in the thread."""
        if not self._rest and not self._is_over:
            item = self._queue.get()
            if isinstance(item, _Aborted):
                raise item
            if item is None:
                self._is_over = True
            else:
                self._sha256.update(item)
                self.size_bytes += len(item)
                self._rest = memoryview(item)
                self._loop.call_soon_threadsafe(self._room.release)
        piece, self._rest = self._rest[:size_bytes], self._rest[size_bytes:]
        return bytes(piece)


async def upload_stream(
    threads: Threads, blocks: AsyncIterable[bytes], upload: Callable[[BinaryIO], T]
) -> tuple[T, int, str]:
    """Run ``upload`` in a thread on a file that holds what ``blocks`` yields.

    When the iteration raises or the caller is cancelled, reading the file raises inside ``upload``, which is waited
    for before the error goes on.

    Args:
        threads: Where to run it.
        blocks: The bytes; iterated in the calling task.
        upload: Reads the file to its end; has to clean up when reading raises.

    Returns:
        What ``upload`` returned, how many bytes it read, and their SHA-256 in hex.
    """
    feed = _Feed()
    upload_done = threads.start(upload, cast(BinaryIO, feed))
    upload_done.add_done_callback(lambda _: feed.free())
    try:
        async with aclosing(gathered(blocks, BLOCK_BYTES)) as large_blocks:
            async for block in large_blocks:
                await feed.send(block)
                if upload_done.done():
                    break
        feed.end(None)
        result = await asyncio.shield(upload_done)
    except BaseException:
        feed.end(_Aborted())
        await wait_out(upload_done)
        raise
    return result, feed.size_bytes, feed.sha256
