"""Answers with the file of an export: ranges, conditional requests, the name clients save it under."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from limner_common.clock import utc_now
from limner_common.errors import NotFound
from limner_common.objects import ObjectMissing, ObjectStore
from limner_exports.exporting.repository import Result

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


class FileAnswer(Response):
    """Streams a result, or the range of it that was asked for, from the store to the socket.

    Several ranges at once, and ranges of another version (``If-Range``), are answered with everything (RFC 9110 §14).

    Args:
        request: What is answered.
        objects: Where the file lies.
        result: The file.

    Raises:
        NotFound: On sending, before the first byte: the file is gone.
    """

    def __init__(self, request: Request, objects: ObjectStore, result: Result) -> None:
        self._objects = objects
        self._result = result
        size_bytes, etag = result.file.size_bytes, f'"{result.file.sha256}"'
        span = _requested_range(request, size_bytes, etag)
        self._span = range(size_bytes) if span is None else span
        status = 200
        headers = {
            "Content-Disposition": f'attachment; filename="{result.file_name}"',
            "Content-Length": str(len(self._span)),
            "ETag": etag,
            "Last-Modified": f"{result.created_at:{_HTTP_DATE}}",
            "Accept-Ranges": "bytes",
            "Cache-Control": f"private, max-age={max(int((result.file.expires_at - utc_now()).total_seconds()), 0)}",
            "X-Content-Type-Options": "nosniff",
        }
        if span is not None:
            status = 206 if span else 416
            headers["Content-Range"] = _content_range(span, size_bytes)
        elif _is_current(request, etag):
            status, self._span = 304, range(0)
            del headers["Content-Length"]
        super().__init__(None, status, headers, "application/zip")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if not self._span or scope["method"] == "HEAD":
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        key = self._result.file.object_key
        try:
            opened = self._objects.open_range(key, self._span.start, len(self._span))
            body = await opened.__aenter__()
        except ObjectMissing:
            raise NotFound("The result of this export is no longer available; export again.") from None
        try:
            await send(start)
            async for block in body:
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await opened.__aexit__(None, None, None)


def _requested_range(request: Request, size_bytes: int, etag: str) -> range | None:
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if match is None or match[0] == "bytes=-" or request.headers.get("if-range", etag) != etag:
        return None
    if not match[1]:
        return range(max(0, size_bytes - int(match[2])), size_bytes)
    start = int(match[1])
    stop = min(size_bytes, int(match[2]) + 1) if match[2] else size_bytes
    if match[2] and int(match[2]) < start:
        return None
    return range(start, stop) if start < size_bytes else range(0)


def _content_range(span: range, size_bytes: int) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{size_bytes}" if span else f"bytes */{size_bytes}"


def _is_current(request: Request, etag: str) -> bool:
    named = request.headers.get("if-none-match", "")
    return etag in [tag.strip().removeprefix("W/") for tag in named.split(",")]
