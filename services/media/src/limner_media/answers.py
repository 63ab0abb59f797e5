"""Answers with bytes: strong ETags, conditional requests, ranges, fixed types."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from limner_common.cache import Entry
from limner_media.sources.locating import Sources
from limner_media.sources.pieces import Piece

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_CACHING = "private, no-cache"


def entry_answer(request: Request, entry: Entry) -> Response:
    """Answer a built value: 200, 206 for a range, 304 when the client has it."""
    if has_current(request, entry.metadata["etag"]):
        return not_modified(entry.metadata)
    headers = entry_headers(entry.metadata)
    span = requested_range(request, len(entry.value), entry.metadata["etag"])
    if span is None:
        return Response(entry.value, 200, headers, entry.metadata["mime"])
    return Response(
        entry.value[span.start : span.stop],
        206 if span else 416,
        {**headers, "Content-Range": content_range(span, len(entry.value))},
        entry.metadata["mime"],
    )


def not_modified(metadata: Mapping[str, str]) -> Response:
    """Answer that the client's copy is current."""
    return Response(status_code=304, headers=entry_headers(metadata))


def has_current(request: Request, etag: str) -> bool:
    """Say if the client named this ETag in ``If-None-Match``."""
    named = request.headers.get("if-none-match")
    if named is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in named.split(",")]
    return "*" in tags or f'"{etag}"' in tags


def entry_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a built value."""
    headers = plain_headers(metadata["etag"])
    headers["X-Checksum"] = metadata["checksum"]
    headers["X-Updated-Date"] = metadata["updated"]
    return headers


def plain_headers(etag: str) -> dict[str, str]:
    """Return the headers of all bytes that users sent or that were made of them."""
    return {
        "ETag": f'"{etag}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": _CACHING,
        "X-Content-Type-Options": "nosniff",
    }


def requested_range(request: Request, size_bytes: int, etag: str) -> range | None:
    """Return the bytes asked for; None for all of them, an empty range when there are none such.

    Several ranges at once, and ranges of another version (``If-Range``), are answered with everything (RFC 9110 §14).
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if match is None or match[0] == "bytes=-" or request.headers.get("if-range", f'"{etag}"') != f'"{etag}"':
        return None
    if not match[1]:
        return range(max(0, size_bytes - int(match[2])), size_bytes)
    start = int(match[1])
    stop = min(size_bytes, int(match[2]) + 1) if match[2] else size_bytes
    if match[2] and int(match[2]) < start:
        return None
    return range(start, stop) if start < size_bytes else range(0)


def content_range(span: range, size_bytes: int) -> str:
    """Return a ``Content-Range`` value."""
    return f"bytes {span.start}-{span.stop - 1}/{size_bytes}" if span else f"bytes */{size_bytes}"


class PieceAnswer(Response):
    """Streams a plain piece, or the range of it that was asked for, from its store to the socket.

    Fails with the store's errors before the first byte.

    Args:
        request: What is answered.
        sources: Where the piece lies.
        piece: A piece that is stored as it is.
        etag: Its ETag.
        media_type: MIME type.
        headers: Further headers.
    """

    def __init__(
        self,
        request: Request,
        sources: Sources,
        piece: Piece,
        *,
        etag: str,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._sources = sources
        self._piece = piece
        self._span = requested_range(request, piece.size_bytes, etag)
        status, extra = 200, dict(headers or {})
        span = range(piece.size_bytes) if self._span is None else self._span
        if self._span is not None:
            status = 206 if self._span else 416
            extra["Content-Range"] = content_range(self._span, piece.size_bytes)
        extra["Content-Length"] = str(len(span))
        super().__init__(None, status, {**plain_headers(etag), **extra}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        span = range(self._piece.size_bytes) if self._span is None else self._span
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if not span or scope["method"] == "HEAD":
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        async with self._sources.open(self._piece, span.start, len(span)) as body:
            await send(start)
            async for block in body:
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
