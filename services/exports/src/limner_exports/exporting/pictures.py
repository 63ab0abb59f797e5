"""Pictures of frames on their way into an archive: one stream for all of a task, in memory what just arrived."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from functools import partial

from limner_clients.frame_streams import FramePart
from limner_clients.media import MediaClient
from limner_common.errors import Unavailable
from limner_exports.bridging import LoopBridge

#: A thread is handed small pictures together up to this size: each hand-over costs more than a small picture.
_HANDED_BYTES = 1 << 20


class TaskPictures:
    """The stored pictures of some frames of one task; used in the writer's thread.

    Args:
        media: Where they are.
        bridge: The way to the event loop.
        task_id: The task.
        numbers: The frames in the order in which they are opened; some may be left out then.
    """

    def __init__(self, media: MediaClient, bridge: LoopBridge, task_id: int, numbers: Sequence[int]) -> None:
        self._parts = _each(bridge.iterate(partial(_together, media, task_id, numbers), ahead=1))

    def open(self, number: int) -> Iterator[bytes]:
        """Yield the bytes of a frame, as it was sent; of a video as PNG.

        Raises:
            Unavailable: It is not there: it was not among those to come, or was passed over.
        """
        for part in self._parts:
            if part.number == number:
                yield part.data
                if part.is_last:
                    return
        raise Unavailable(f"The picture of frame {number} did not come.", code="picture_missing")


def _each(batches: Iterator[list[FramePart]]) -> Iterator[FramePart]:
    for batch in batches:
        yield from batch


async def _together(media: MediaClient, task_id: int, numbers: Sequence[int]) -> AsyncGenerator[list[FramePart]]:
    held: list[FramePart] = []
    size = 0
    async with aclosing(media.frames(task_id, numbers)) as stream:
        async for parts in stream:
            held += parts
            size += sum(len(part.data) for part in parts)
            if size >= _HANDED_BYTES:
                yield held
                held = []
                size = 0
    if held:
        yield held
