"""Reading the merged view of a task, with memory for its tracks and one frame window of the rest."""

from collections.abc import AsyncIterator, Sequence
from hashlib import blake2b

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from limner_annotations.access import OpenTask
from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.answers import REVISION_HEADER
from limner_annotations.revisions.documents import Kind, refresh_documents
from limner_annotations.revisions.pieces import job_pieces
from limner_annotations.revisions.service import find_states, stream_stored
from limner_annotations.revisions.serving import serve_document
from limner_annotations.revisions.states import JobState
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.tasks.overlaps import Layout, OverlapMerger, Segment, merge_tracks
from limner_model.labels import LabelSchema

#: Revision to read of each job.
Pins = Sequence[tuple[int, int]]


def layout_of(task: OpenTask) -> Layout:
    """Return how the annotation jobs of a task lie on its frames."""
    segments = [Segment(job.id, job.start_frame, job.stop_frame) for job in task.annotation_jobs]
    return Layout(segments, task.facts.overlap, task.is_3d)


async def serve_task(container: AnnotationsContainer, request: Request, task: OpenTask) -> Response:
    """Answer with the merged annotations of a task; ``Limner-Revision`` is there when it has one job only."""
    states = await read_states(container, task)
    layout = layout_of(task)
    is_stale = any(state.is_stale(task.labels_version) for state in states)
    schema = task.schema if is_stale else None
    size = sum(state.counts.document_bytes for state in states)
    if layout.is_single:
        state = states[0]
        version = state.version(task.labels_version)
        return await serve_document(
            container,
            request,
            etag=f'"{version}"',
            headers={REVISION_HEADER: str(state.revision)},
            cache_key=f"annotations/jobs/{state.job_id}/{version}",
            size_bytes=size,
            pieces=lambda: job_pieces(container, state.job_id, state.revision, schema),
        )
    pins = [(state.job_id, state.revision) for state in states]
    version = _version(task, layout, states)
    return await serve_document(
        container,
        request,
        etag=f'"{version}"',
        headers={},
        cache_key=f"annotations/tasks/{task.id}/{version}",
        size_bytes=size,
        pieces=lambda: task_pieces(container, layout, pins, schema),
    )


async def read_states(container: AnnotationsContainer, task: OpenTask) -> list[JobState]:
    """Return the states of the annotation jobs of a task, by id; those never written are empty."""
    known = {state.job_id: state for state in await find_states(container.database, task.id)}
    return [known.get(job.id, JobState(job.id, task.id)) for job in task.annotation_jobs]


async def task_pieces(
    container: AnnotationsContainer, layout: Layout, pins: Pins, schema: LabelSchema | None
) -> AsyncIterator[bytes]:
    """Yield the merged document of a task at pinned revisions of its jobs; ``schema`` fills attributes."""
    yield b'{"version":0'
    async with container.database.begin(is_repeatable=True) as uow:
        for kind in Kind:
            yield b',"%b":[' % kind.field.encode()
            separator = b""
            async for rows in merged_rows(container, uow.connection, layout, pins, kind):
                docs = await fresh_docs(container, kind, rows, schema)
                if docs:
                    yield separator + b",".join(docs)
                    separator = b","
            yield b"]"
    yield b"}"


async def merged_rows(
    container: AnnotationsContainer, connection: AsyncConnection, layout: Layout, pins: Pins, kind: Kind
) -> AsyncIterator[list[StoredDoc]]:
    """Yield the objects of one kind of the merged view, by frame and id within what two jobs share.

    Tags and shapes stream; tracks are merged in memory.
    """
    stream = stream_stored(connection, pins, kind)
    if kind is Kind.TRACK and not layout.is_single:
        tracks = [row async for rows in stream for row in rows]
        size = sum(len(row.doc) for row in tracks)
        yield await container.compute(size, lambda: merge_tracks(layout, tracks))
        return
    merger = OverlapMerger(layout, kind)
    async for rows in stream:
        yield merger.push(rows)
    yield merger.flush()


async def fresh_docs(
    container: AnnotationsContainer, kind: Kind, rows: Sequence[StoredDoc], schema: LabelSchema | None
) -> list[bytes]:
    """Return the documents of rows of one kind, filled from a schema when there is one."""
    docs = [row.doc for row in rows]
    if schema is None or not docs:
        return docs
    return await container.compute(sum(map(len, docs)), lambda: refresh_documents(kind, docs, schema))


def _version(task: OpenTask, layout: Layout, states: Sequence[JobState]) -> str:
    """Name all that the merged view depends on."""
    versions = [(state.job_id, state.version(task.labels_version)) for state in states]
    content = [versions, list(layout.segments), layout.overlap, layout.is_3d]
    return blake2b(msgspec.json.encode(content), digest_size=16).hexdigest()
