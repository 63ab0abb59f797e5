"""Asks ``media`` about the data of tasks, for frames and chunks, and to make data of files in the store."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import msgspec

from limner_clients.base import InternalClient
from limner_clients.frame_streams import FramePart, stream_frames
from limner_common.grants import Keyring
from limner_common.http.upstream import Upstreams

_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/jp2": "jp2",
    "image/x-portable-pixmap": "ppm",
    "image/x-icon": "ico",
    "image/x.point-cloud-data": "pcd",
}

#: ``raw`` are the bytes as sent; ``original`` the same, turned upright where EXIF says so; ``compressed`` a JPEG.
FrameForm = Literal["raw", "original", "compressed"]


class VideoFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The video of a task: file name, size in pixels as shown, bytes."""

    name: str
    width: int
    height: int
    size_bytes: int


class MediaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a task apart from its frames.

    ``start_frame``, ``stop_frame`` and ``step`` are source numbers: frame n of the task is source frame
    ``start_frame + n * step``. ``deleted_frames`` are task-relative. Further fields as in the REST interface.
    """

    task_id: int
    mode: str
    dimension: str
    media_type: str
    size: int
    chunk_size: int
    image_quality: int
    start_frame: int
    stop_frame: int
    step: int
    original_chunk_type: str
    compressed_chunk_type: str
    storage: str
    storage_method: str
    sorting_method: str
    deleted_frames: list[int]
    video: VideoFacts | None = None


class FrameFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One frame: name, width and height in pixels once upright, number of context files, source number."""

    name: str
    width: int
    height: int
    related_count: int
    source_number: int


class RelatedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A context file: its name below the data root, and bytes."""

    name: str
    size_bytes: int


class DataState(msgspec.Struct, frozen=True, kw_only=True):
    """Where the data of a task stand: none, queued, running, ready or failed; progress 0..1; a message for people."""

    state: str
    progress: float = 0.0
    message: str = ""


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the store: its object, and the frame or context file it is to be."""

    name: str
    key: str


class StoredArchive(msgspec.Struct, frozen=True, kw_only=True):
    """Members of a zip or plain tar in the store; ``members`` maps member names to names of files, None takes all."""

    key: str
    members: dict[str, str] | None = None


class StoredSource(msgspec.Struct, frozen=True, kw_only=True):
    """Files to make data of. They are copied inside the store, so the sender may remove his when the data are ready."""

    files: list[StoredFile] = []
    archive: StoredArchive | None = None


class NewDataBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of ``POST /internal/tasks/{id}/data``; ``params`` are fields of the REST interface's DataRequest."""

    params: dict[str, Any] = {}
    source: StoredSource


class OpenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file being received: extension without the dot (empty when not known), MIME type, bytes, and the blocks."""

    extension: str
    media_type: str
    size_bytes: int | None
    blocks: AsyncIterator[bytes]


class MediaListing:
    """The facts of a task's data, with its frames still to come; ``frames`` may be iterated once."""

    def __init__(self, facts: MediaFacts, messages: AsyncIterator[bytes]) -> None:
        self.facts = facts
        self._messages = messages

    async def frames(self) -> AsyncIterator[FrameFacts]:
        """Yield the frames in order; a video gives its one name, size and source number for each."""
        facts = self.facts
        if facts.video is not None:
            video = facts.video
            for number in range(facts.size):
                yield FrameFacts(video.name, video.width, video.height, 0, facts.start_frame + number * facts.step)
            return
        decoder = msgspec.msgpack.Decoder(list[FrameFacts])
        async for message in self._messages:
            for frame in decoder.decode(message):
                yield frame


class MediaClient:
    """Calls the internal routes of ``media``.

    All methods raise ``NotFound`` where the task has no data, ``Invalid`` for a frame it does not have, and
    ``Unavailable`` where the service cannot be reached.

    Args:
        upstreams: The way to ``media``.
        keyring: Signs as the asking service.
    """

    def __init__(self, upstreams: Upstreams, keyring: Keyring) -> None:
        self._client = InternalClient("media", upstreams, keyring)

    @asynccontextmanager
    async def open_listing(self, task_id: int) -> AsyncIterator[MediaListing]:
        """Open the list of a task's frames; memory stays bounded for any number."""
        async with self._client.stream("GET", f"/internal/tasks/{task_id}/media") as response:
            messages = _messages(response)
            facts = msgspec.msgpack.decode(await anext(messages), type=MediaFacts)
            yield MediaListing(facts, messages)

    async def listing(self, task_id: int) -> tuple[MediaFacts, list[FrameFacts]]:
        """Return a task's data and all its frames."""
        async with self.open_listing(task_id) as listing:
            return listing.facts, [frame async for frame in listing.frames()]

    async def facts(self, task_id: int) -> MediaFacts:
        """Return a task's data without its frames."""
        async with self.open_listing(task_id) as listing:
            return listing.facts

    async def frame(self, task_id: int, number: int, form: FrameForm = "original") -> tuple[bytes, str]:
        """Return a frame's bytes and its extension without the dot."""
        async with self.open_frame(task_id, number, form) as file:
            return b"".join([block async for block in file.blocks]), file.extension

    def frames(self, task_id: int, numbers: Iterable[int]) -> AsyncGenerator[list[FramePart]]:
        """Yield many frames as they were sent, of a video as PNG; see ``stream_frames``."""
        return stream_frames(self._client, task_id, numbers)

    @asynccontextmanager
    async def open_frame(self, task_id: int, number: int, form: FrameForm = "original") -> AsyncIterator[OpenFile]:
        """Open a frame for streaming."""
        async with self._open(f"/internal/tasks/{task_id}/frames/{number}", {"form": form}) as file:
            yield file

    async def chunk(self, task_id: int, number: int, quality: Literal["original", "compressed"]) -> bytes:
        """Return a chunk of a task: a zip, or an MP4 for videos."""
        return await self._client.call("GET", f"/internal/tasks/{task_id}/chunks/{number}", params={"quality": quality})

    async def related(self, task_id: int, number: int) -> list[RelatedFacts]:
        """Return what context files a frame has, in order."""
        body = await self._client.call("GET", f"/internal/tasks/{task_id}/frames/{number}/related")
        return msgspec.json.decode(body, type=list[RelatedFacts])

    @asynccontextmanager
    async def open_related(self, task_id: int, number: int, index: int) -> AsyncIterator[OpenFile]:
        """Open a context file of a frame, as it was sent, for streaming."""
        async with self._open(f"/internal/tasks/{task_id}/frames/{number}/related/{index}", {}) as file:
            yield file

    @asynccontextmanager
    async def open_video(self, task_id: int) -> AsyncIterator[OpenFile]:
        """Open the video of a task, as it was sent, for streaming."""
        async with self._open(f"/internal/tasks/{task_id}/video", {}) as file:
            yield file

    async def preview(self, task_id: int) -> bytes:
        """Return a JPEG thumbnail of a task's first frame."""
        return await self._client.call("GET", f"/internal/tasks/{task_id}/preview")

    async def state(self, task_id: int) -> DataState:
        """Return where the data of a task stand; never raises ``NotFound``."""
        body = await self._client.call("GET", f"/internal/tasks/{task_id}/data/state")
        return msgspec.json.decode(body, type=DataState)

    async def create_data(self, task_id: int, source: StoredSource, params: Mapping[str, Any] | None = None) -> str:
        """Start making data of files in the store; returns the id of the work. ``state`` tells how it goes.

        Raises:
            Invalid: The task has data, or the parameters are wrong.
            Conflict: Data of the task are being made.
        """
        body = msgspec.json.encode(NewDataBody(params=dict(params or {}), source=source))
        answer = await self._client.call("POST", f"/internal/tasks/{task_id}/data", content=body)
        work_id: str = msgspec.json.decode(answer)["work_id"]
        return work_id

    @asynccontextmanager
    async def _open(self, path: str, params: dict[str, str]) -> AsyncIterator[OpenFile]:
        async with self._client.stream("GET", path, params=params) as response:
            media_type = response.headers.get("content-type", "")
            length = response.headers.get("content-length", "")
            yield OpenFile(
                extension=_EXTENSIONS.get(media_type, ""),
                media_type=media_type,
                size_bytes=int(length) if length.isdigit() else None,
                blocks=response.aiter_bytes(),
            )


async def _messages(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the messages of a stream, each with its length in four bytes before it."""
    buffer = bytearray()
    async for block in response.aiter_bytes():
        buffer += block
        while len(buffer) >= 4 and len(buffer) >= 4 + (size := int.from_bytes(buffer[:4], "big")):
            yield bytes(buffer[4 : 4 + size])
            del buffer[: 4 + size]
