"""Answering reads: from what the reader has, from the cache, or from the database, whole or piece by piece."""

from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.answers import PieceStream, document_answer, is_known, not_modified


async def serve_document(
    container: AnnotationsContainer,
    request: Request,
    *,
    etag: str,
    headers: dict[str, str],
    cache_key: str,
    size_bytes: int,
    pieces: Callable[[], AsyncIterator[bytes]],
) -> Response:
    """Answer with a document that does not change under its entity tag.

    Args:
        container: Adapters.
        request: The request; its ``If-None-Match`` is honoured.
        etag: Strong entity tag, in quotes.
        headers: Further headers of the answer.
        cache_key: Key of the encoded copy; must name all that the document depends on.
        size_bytes: About how long the document is; decides between the cache and a stream.
        pieces: Opens the document in the database.
    """
    headers = {**headers, "ETag": etag, "Cache-Control": "private, no-cache"}
    if is_known(request, etag):
        return not_modified(headers)
    limits = container.settings
    if size_bytes > limits.whole_max_bytes:
        return PieceStream(pieces(), headers=headers)
    is_cached = size_bytes >= limits.cached_min_bytes
    if is_cached and (copy := await container.cache.get(cache_key)) is not None:
        return document_answer(copy, headers)
    document = b"".join([piece async for piece in pieces()])

    async def keep() -> None:
        await container.cache.put(cache_key, document)

    return document_answer(document, headers, then=keep if is_cached else None)
