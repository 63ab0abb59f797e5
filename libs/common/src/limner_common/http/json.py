"""JSON in and out: orjson for answers, bounded bodies for questions."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from limner_common.errors import Invalid, TooLarge

#: What existing clients ask for and get; the plain type is accepted too.
COMPAT_JSON = "application/vnd.cvat+json"


class JSONAnswer(Response):
    """A JSON response encoded by orjson; datetimes must be strings already, or what ``json_date`` makes of them."""

    media_type = COMPAT_JSON

    def render(self, content: Any) -> bytes:
        """Encode; bytes pass through as ready JSON."""
        return content if isinstance(content, bytes) else orjson.dumps(content, option=orjson.OPT_UTC_Z)


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """Read a whole body of bounded size.

    Raises:
        TooLarge: The body is longer than ``limit_bytes``.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit_bytes:
            raise TooLarge(f"The request body is larger than {limit_bytes} bytes.")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def read_json(request: Request, *, limit_bytes: int = 16 * 1024 * 1024) -> Any:
    """Read and decode a JSON body; an empty one is None.

    Raises:
        Invalid: Not JSON; the message says where.
        TooLarge: The body is longer than ``limit_bytes``.
    """
    body = await read_body(request, limit_bytes=limit_bytes)
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"JSON parse error - {error}", code="parse_error") from error
