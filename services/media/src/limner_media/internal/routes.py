"""What other services ask of media. Lists are MessagePack, one message per line of frames, so that a million stream.

The messages are the structures of ``limner_clients.media``.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from limner_clients.frame_streams import framed
from limner_clients.media import (
    DataState,
    FrameFacts,
    MediaFacts,
    NewDataBody,
    RelatedFacts,
    VideoFacts,
)
from limner_common.errors import DomainError, Invalid
from limner_common.http.granted import ServiceGranted
from limner_common.http.json import JSONAnswer, read_body
from limner_media.access import Container
from limner_media.answers import PieceAnswer, entry_answer
from limner_media.chunks.layout import task_chunk
from limner_media.container import MediaContainer
from limner_media.core.chunks import Quality
from limner_media.datas.service import check_frame_number
from limner_media.datas.values import TaskData
from limner_media.errors import media_errors
from limner_media.frames.answering import frame_answer
from limner_media.frames.service import mime_of
from limner_media.ingest.gathering import StoredSource
from limner_media.ingest.params import read_params
from limner_media.ingest.service import DataExist
from limner_media.internal.bulk import frame_stream, parse_numbers
from limner_media.sources.pieces import Piece

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/internal/tasks/{task_id}", include_in_schema=False)

MSGPACK = "application/msgpack"
_MAX_BODY_BYTES = 256 << 20
_BINARY = "application/octet-stream"


@router.get("/media")
async def retrieve_media(task_id: int, container: Container, grant: ServiceGranted) -> Response:
    """Describe a task's data: one ``MediaFacts`` message, then ``FrameFacts`` messages in lists."""
    data = await container.datas.get(task_id)
    return StreamingResponse(_messages(container, data), media_type=MSGPACK)


@router.get("/data/state")
async def retrieve_state(task_id: int, container: Container, grant: ServiceGranted) -> Response:
    """Say where the data of a task stand: none, queued, running, ready or failed."""
    state = await container.ingests.state(task_id)
    return JSONAnswer(msgspec.json.encode(DataState(state=state.state, progress=state.progress, message=state.message)))


@router.post("/data")
async def create_data(task_id: int, request: Request, container: Container, grant: ServiceGranted) -> Response:
    """Make data of files that lie in the store already: 202 with the id of the work; ``data/state`` tells of it."""
    try:
        body = msgspec.json.decode(await read_body(request, limit_bytes=_MAX_BODY_BYTES), type=NewDataBody)
    except msgspec.MsgspecError as error:
        raise Invalid(str(error)) from error
    if await container.datas.exists(task_id):
        raise DataExist
    stored = msgspec.convert(msgspec.to_builtins(body.source), StoredSource)
    work_id = await container.ingests.start_stored(task_id, read_params(body.params), stored)
    return JSONAnswer({"work_id": work_id}, 202)


@router.get("/frames")
async def retrieve_frames(
    task_id: int,
    container: Container,
    grant: ServiceGranted,
    numbers: str,
    skip: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Answer frames such as ``0-99,105`` as they were sent (PNG for videos): before each a ``FrameHead`` message.

    ``skip`` leaves out bytes of the first frame, to go on where an answer broke off. An answer that ends early met a frame
    that cannot be read.
    """
    data = await container.datas.get_for_chunks(task_id, None)
    stream = frame_stream(container, data, parse_numbers(numbers, data), skip)
    first = await anext(stream)  # what keeps the first frame from being read is told in words
    return StreamingResponse(_following(first, stream), media_type=_BINARY)


@router.get("/frames/{number}")
async def retrieve_frame(
    task_id: int, number: int, request: Request, container: Container, grant: ServiceGranted, form: str = "original"
) -> Response:
    """Answer a frame: as it was sent (``raw``; PNG for videos), in ``original`` or in ``compressed`` quality."""
    data = await container.datas.get_for_chunks(task_id, None)
    check_frame_number(data, number)
    if form not in ("raw", *Quality):
        raise Invalid("Wrong quality value")
    if form == "raw" and data.video is None:
        frame = await container.datas.frame(data, number)
        return await _piece_answer(request, container, frame.piece, f"{data.token}-{number}-raw", mime_of(frame))
    quality = Quality.ORIGINAL if form == "raw" else Quality(form)
    return await frame_answer(request, container, data, number, quality)


@router.get("/chunks/{number}")
async def retrieve_chunk(
    task_id: int, number: int, request: Request, container: Container, grant: ServiceGranted, quality: str = "original"
) -> Response:
    """Answer a chunk of a task."""
    data = await container.datas.get_for_chunks(task_id, None)
    if quality not in list(Quality):
        raise Invalid("Wrong quality value")
    return entry_answer(request, await container.chunks.get(data, Quality(quality), task_chunk(data, number)))


@router.get("/video")
async def retrieve_video(task_id: int, request: Request, container: Container, grant: ServiceGranted) -> Response:
    """Answer the video of a task as it was sent."""
    data = await container.datas.get(task_id)
    if data.video is None:
        raise Invalid("The task has no video.")
    return await _piece_answer(request, container, data.video.piece, f"{data.token}-video", _BINARY)


@router.get("/frames/{number}/related")
async def list_related(task_id: int, number: int, container: Container, grant: ServiceGranted) -> Response:
    """List the context files of a frame."""
    pieces = await _related(container, task_id, number)
    found = [RelatedFacts(name=piece.name, size_bytes=piece.size_bytes) for piece in pieces]
    return JSONAnswer(msgspec.json.encode(found))


@router.get("/frames/{number}/related/{index}")
async def retrieve_related(
    task_id: int, number: int, index: int, request: Request, container: Container, grant: ServiceGranted
) -> Response:
    """Answer a context file of a frame as it was sent."""
    pieces = await _related(container, task_id, number)
    if not 0 <= index < len(pieces):
        raise Invalid("The frame has no such context file.")
    token = (await container.datas.get(task_id)).token
    return await _piece_answer(request, container, pieces[index], f"{token}-{number}-related-{index}", _BINARY)


@router.get("/preview")
async def retrieve_preview(task_id: int, request: Request, container: Container, grant: ServiceGranted) -> Response:
    """Answer a thumbnail of a task's first frame."""
    data = await container.datas.get_for_chunks(task_id, None)
    return entry_answer(request, await container.frames.preview(data, 0))


async def _related(container: MediaContainer, task_id: int, number: int) -> list[Piece]:
    data = await container.datas.get(task_id)
    check_frame_number(data, number)
    if data.video is not None:
        return []
    return await container.datas.related(data, await container.datas.frame(data, number))


async def _piece_answer(request: Request, container: MediaContainer, piece: Piece, etag: str, mime: str) -> Response:
    if piece.is_plain:
        return PieceAnswer(request, container.sources, piece, etag=etag, media_type=mime)
    with media_errors():
        content = await container.sources.read(piece)
    return Response(content, 200, {"ETag": f'"{etag}"'}, mime)


async def _following(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in rest:
            yield piece
    except DomainError as error:
        log.warning("frames_broke_off", code=error.code, error=error.message)


async def _messages(container: MediaContainer, data: TaskData) -> AsyncIterator[bytes]:
    encoder = msgspec.msgpack.Encoder()
    yield framed(encoder.encode(_media_facts(data)))
    if data.video is not None:
        return
    async for lines in container.datas.frame_lines(data, 0, data.size - 1):
        yield framed(
            encoder.encode(
                [
                    FrameFacts(line.name, line.width, line.height, line.related_count, data.source_frame(line.number))
                    for line in lines
                ]
            )
        )


def _media_facts(data: TaskData) -> MediaFacts:
    video = None
    if data.video is not None:
        piece = data.video.piece
        video = VideoFacts(name=piece.name, width=data.video.width, height=data.video.height, size_bytes=piece.size_bytes)
    return MediaFacts(
        task_id=data.task_id,
        mode=data.mode,
        dimension=data.dimension,
        media_type=data.media_type,
        size=data.size,
        chunk_size=data.chunk_size,
        image_quality=data.image_quality,
        start_frame=data.start_frame,
        stop_frame=data.stop_frame,
        step=data.step,
        original_chunk_type=data.original_chunk_type,
        compressed_chunk_type=data.compressed_chunk_type,
        storage=data.storage,
        storage_method=data.storage_method,
        sorting_method=data.sorting_method,
        deleted_frames=list(data.deleted_frames),
        video=video,
    )
