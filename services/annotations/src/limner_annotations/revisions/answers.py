"""Answers with annotations: entity tags, cached copies, and streams that end with their reader."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from starlette.background import BackgroundTasks
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from limner_common.http.json import COMPAT_JSON
from limner_common.memory import LARGE_BYTES, give_back_memory

REVISION_HEADER = "Limner-Revision"


class PieceStream(StreamingResponse):
    """A streamed body whose source is closed as soon as the reader is gone."""

    def __init__(self, pieces: AsyncIterator[bytes], *, headers: dict[str, str], media_type: str = COMPAT_JSON) -> None:
        super().__init__(pieces, headers=headers, media_type=media_type)
        self._pieces: Any = pieces

    async def stream_response(self, send: Send) -> None:
        """Send all pieces; whatever happens, the source is closed at the end."""
        async with aclosing(self._pieces):
            await super().stream_response(send)


def document_answer(
    document: bytes, headers: dict[str, str], *, then: Callable[[], Awaitable[None]] | None = None
) -> Response:
    """Return a whole document; a large one gives its memory back when it is sent.

    Args:
        document: The document.
        headers: Headers of the answer.
        then: What to do after it is sent.
    """
    tasks = BackgroundTasks()
    if then is not None:
        tasks.add_task(then)
    if len(document) >= LARGE_BYTES:
        tasks.add_task(give_back_memory)
    return Response(document, headers=headers, media_type=COMPAT_JSON, background=tasks)


def is_known(request: Request, etag: str) -> bool:
    """Say whether the reader has what he asks for already (``If-None-Match``)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return etag in tags or "*" in tags


def not_modified(headers: dict[str, str]) -> Response:
    """Return the answer to a reader who has it already."""
    return Response(status_code=304, headers=headers)
