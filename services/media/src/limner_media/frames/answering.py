"""Answers with one frame, for the public and the internal routes."""

from starlette.requests import Request
from starlette.responses import Response

from limner_media.answers import PieceAnswer, entry_answer, has_current
from limner_media.container import MediaContainer
from limner_media.core.chunks import Quality
from limner_media.datas.values import TaskData
from limner_media.frames.service import mime_of


async def frame_answer(
    request: Request, container: MediaContainer, data: TaskData, number: int, quality: Quality
) -> Response:
    """Answer one frame; stored bytes that are the original quality already are streamed as they are."""
    if data.video is not None:
        entry = await container.frames.video_frame(data, number, quality)
        return entry_answer(request, entry)
    frame = await container.datas.frame(data, number)
    if frame.is_upright and frame.piece.is_plain and (quality is Quality.ORIGINAL or frame.format == "PCD"):
        etag = f"{data.token}-{number}"
        if has_current(request, etag):
            return Response(status_code=304, headers={"ETag": f'"{etag}"'})
        return PieceAnswer(request, container.sources, frame.piece, etag=etag, media_type=mime_of(frame))
    return entry_answer(request, await container.frames.image(data, frame, quality))
