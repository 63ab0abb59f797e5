"""A job's document as pieces of JSON, read from one index scan with bounded memory."""

from collections.abc import AsyncIterator

from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.documents import Kind, refresh_documents
from limner_annotations.revisions.service import stream_job
from limner_model.labels import LabelSchema


async def job_pieces(
    container: AnnotationsContainer, job_id: int, revision: int, schema: LabelSchema | None
) -> AsyncIterator[bytes]:
    """Yield the document of a job at a revision.

    Args:
        container: Adapters.
        job_id: Job.
        revision: Revision to read, whatever is written meanwhile.
        schema: Labels to fill attributes from; None leaves documents as they are stored.
    """
    kind = Kind.TAG
    yield b'{"version":0,"tags":['
    separator = b""
    async with container.database.begin(is_repeatable=True) as uow:
        async for here, docs in stream_job(uow.connection, job_id, revision):
            while kind < here:
                kind = Kind(kind + 1)
                yield _opening(kind)
                separator = b""
            yield separator + b",".join(await _refreshed(container, here, docs, schema))
            separator = b","
    while kind < Kind.TRACK:
        kind = Kind(kind + 1)
        yield _opening(kind)
    yield b"]}"


async def _refreshed(
    container: AnnotationsContainer, kind: Kind, docs: list[bytes], schema: LabelSchema | None
) -> list[bytes]:
    if schema is None:
        return docs
    return await container.compute(sum(map(len, docs)), lambda: refresh_documents(kind, docs, schema))


def _opening(kind: Kind) -> bytes:
    return b'],"%b":[' % kind.field.encode()
