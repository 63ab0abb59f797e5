"""Streaming objects to other services at pinned revisions."""

from collections.abc import AsyncIterator, Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.documents import Kind
from limner_annotations.revisions.service import stream_stored
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.tasks.overlaps import Layout
from limner_annotations.tasks.reading import merged_rows
from limner_annotations.transfers.batches import FrameBatches, end_line, head_line
from limner_common.errors import Invalid

#: Jobs, each with the revision to read.
Pins = Sequence[tuple[int, int]]


async def job_lines(
    container: AnnotationsContainer, job_id: int, revision: int, kinds: Collection[Kind]
) -> AsyncIterator[bytes]:
    """Yield the stream of a job at a revision; see ``batches`` for its form."""
    pins = [(job_id, revision)]
    async with container.database.begin(is_repeatable=True) as uow:
        connection = uow.connection
        async for line in _lines(pins, {kind: stream_stored(connection, pins, kind) for kind in kinds}):
            yield line


async def task_lines(
    container: AnnotationsContainer, layout: Layout, pins: Pins, kinds: Collection[Kind]
) -> AsyncIterator[bytes]:
    """Yield the stream of the merged view of a task at pinned revisions."""
    async with container.database.begin(is_repeatable=True) as uow:
        streams = {kind: _merged(container, uow.connection, layout, pins, kind) for kind in kinds}
        async for line in _lines(pins, streams):
            yield line


def _merged(
    container: AnnotationsContainer, connection: AsyncConnection, layout: Layout, pins: Pins, kind: Kind
) -> AsyncIterator[list[StoredDoc]]:
    return merged_rows(container, connection, layout, pins, kind)


async def _lines(pins: Pins, streams: dict[Kind, AsyncIterator[list[StoredDoc]]]) -> AsyncIterator[bytes]:
    yield head_line(pins)
    batches = FrameBatches(streams)
    async for line in batches.lines():
        yield line
    yield end_line(batches.objects)


def parse_kinds(text: str | None) -> list[Kind]:
    """Read a list such as ``tracks,shapes``; None means all.

    Raises:
        Invalid: A name is unknown.
    """
    if text is None:
        return list(Kind)
    known = {kind.field: kind for kind in Kind}
    try:
        return [known[name] for name in dict.fromkeys(text.split(","))]
    except KeyError as error:
        raise Invalid(fields={"kinds": [f"{error.args[0]!r} is none of tags, shapes and tracks."]}) from error


def parse_pins(text: str) -> list[tuple[int, int]]:
    """Read a list such as ``108:3,109:1`` of jobs and revisions.

    Raises:
        Invalid: It is not such a list.
    """
    try:
        pairs = (entry.split(":") for entry in text.split(",") if entry)
        return sorted((int(job_id), int(revision)) for job_id, revision in pairs)
    except ValueError as error:
        raise Invalid(fields={"pins": ["Expected job:revision pairs, separated by commas."]}) from error
