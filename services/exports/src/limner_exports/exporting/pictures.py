"""Pictures of frames on their way into an archive: small ones are fetched a few ahead, large ones stream."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial

from limner_clients.media import MediaClient
from limner_exports.bridging import LoopBridge

#: Held at the same time, about. A picture with more than its share is passed on block by block when its turn comes.
_HELD_BYTES = 16 << 20


class TaskPictures:
    """The stored pictures of some frames of one task; used in the writer's thread.

    Args:
        media: Where they are.
        bridge: The way to the event loop.
        task_id: The task.
        numbers: The frames in the order in which they are opened; some may be left out then.
        ahead: How many are fetched at the same time. Frames of a video are decoded one after the other: 1 is best.
    """

    def __init__(self, media: MediaClient, bridge: LoopBridge, task_id: int, numbers: Iterable[int], *, ahead: int) -> None:
        self._media = media
        self._bridge = bridge
        self._task_id = task_id
        self._small_bytes = _HELD_BYTES // ahead
        feed: Iterator[tuple[int, bytes | None]] = bridge.iterate(partial(self._fetched, numbers, ahead), ahead=1)
        self._feed = feed

    def open(self, number: int) -> Iterator[bytes]:
        """Yield the bytes of a frame, as it was sent; of a video as PNG."""
        for found, data in self._feed:
            if found == number:
                if data is None:
                    yield from self._bridge.iterate(partial(self._blocks, number))
                else:
                    yield data
                return

    async def _fetched(self, numbers: Iterable[int], ahead: int) -> AsyncIterator[tuple[int, bytes | None]]:
        waiting: deque[tuple[int, asyncio.Task[bytes | None]]] = deque()
        try:
            for number in numbers:
                waiting.append((number, asyncio.create_task(self._small(number))))
                if len(waiting) >= ahead:
                    first, task = waiting.popleft()
                    yield first, await task
            while waiting:
                first, task = waiting.popleft()
                yield first, await task
        finally:
            for _, task in waiting:
                task.cancel()
            await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)

    async def _small(self, number: int) -> bytes | None:
        """Return a picture, or None when it is too large to be held."""
        async with self._media.open_frame(self._task_id, number, "raw") as file:
            if file.size_bytes is None or file.size_bytes > self._small_bytes:
                return None
            return b"".join([block async for block in file.blocks])

    async def _blocks(self, number: int) -> AsyncIterator[bytes]:
        async with self._media.open_frame(self._task_id, number, "raw") as file:
            async for block in file.blocks:
                yield block
