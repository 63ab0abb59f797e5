"""Objects of all kinds as one stream in the order of frames, cut into batches of whole frames. Pure but for its source.

The wire form is one JSON object per line:

    {"part":"head","jobs":[{"job_id":7,"revision":3}]}
    {"part":"frames","tracks":[…],"tags":[…],"shapes":[…]}      any number of times
    {"part":"end","objects":1234}

Each batch has the tracks that begin on its frames, and the tags and shapes of its frames; frames grow from batch to
batch and are never torn. A stream without its end is not whole.
"""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from limner_annotations.revisions.documents import Kind
from limner_annotations.revisions.stored import StoredDoc

#: Lists of a batch in the order a reader needs them.
_ORDER = (Kind.TRACK, Kind.TAG, Kind.SHAPE)


class FrameBatches:
    """Puts streams of one kind each together.

    Args:
        streams: By kind, objects by frame, in lists of bounded size.
    """

    def __init__(self, streams: Mapping[Kind, AsyncIterator[Sequence[StoredDoc]]]) -> None:
        self._feeds = {kind: _Feed(stream) for kind, stream in streams.items()}
        self.objects = 0

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of the batches; memory is that of a few lists and the largest frame."""
        while self._feeds:
            for feed in self._feeds.values():
                await feed.fill()
            behind = min(self._feeds.values(), key=lambda feed: feed.settled_frame)
            frame = behind.settled_frame
            taken = {kind: feed.take(frame) for kind, feed in self._feeds.items()}
            self.objects += sum(map(len, taken.values()))
            if any(taken.values()):
                yield _line(taken)
            else:
                await behind.pull()
            self._feeds = {kind: feed for kind, feed in self._feeds.items() if not feed.is_over}


def head_line(pins: Sequence[tuple[int, int]]) -> bytes:
    """Return the first line: which revisions follow."""
    jobs = [{"job_id": job_id, "revision": revision} for job_id, revision in pins]
    return msgspec.json.encode({"part": "head", "jobs": jobs}) + b"\n"


def end_line(objects: int) -> bytes:
    """Return the last line, by which a reader knows that nothing is missing."""
    return b'{"part":"end","objects":%d}\n' % objects


class _Feed:
    """One kind: what has been read and not yet passed on."""

    def __init__(self, stream: AsyncIterator[Sequence[StoredDoc]]) -> None:
        self._stream = stream
        self._waiting: deque[StoredDoc] = deque()
        self._is_exhausted = False

    @property
    def is_over(self) -> bool:
        return self._is_exhausted and not self._waiting

    @property
    def settled_frame(self) -> float:
        """The last frame of which nothing more will come."""
        if self._is_exhausted:
            return float("inf")
        return self._waiting[-1].frame - 1

    async def fill(self) -> None:
        while not self._waiting and not self._is_exhausted:
            await self.pull()

    async def pull(self) -> None:
        rows = await anext(self._stream, None)
        if rows is None:
            self._is_exhausted = True
        else:
            self._waiting.extend(rows)

    def take(self, frame: float) -> list[bytes]:
        taken: list[bytes] = []
        while self._waiting and self._waiting[0].frame <= frame:
            taken.append(self._waiting.popleft().doc)
        return taken


def _line(docs: Mapping[Kind, list[bytes]]) -> bytes:
    lists = [b'"%b":[%b]' % (kind.field.encode(), b",".join(docs.get(kind, ()))) for kind in _ORDER]
    return b'{"part":"frames",%b}\n' % b",".join(lists)
