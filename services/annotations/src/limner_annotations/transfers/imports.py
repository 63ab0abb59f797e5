"""Imports: a stream of documents into a job or a task, one revision per job, all or nothing, in bounded memory."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from limner_annotations.access import OpenJob, OpenTask
from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.documents import Batch
from limner_annotations.revisions.parsing import parse_document
from limner_annotations.revisions.service import JobChange, lock_jobs
from limner_annotations.revisions.states import Author, ChangeKind
from limner_annotations.tasks.overlaps import Layout, Segment
from limner_annotations.tasks.reading import layout_of
from limner_annotations.tasks.splitting import JobDocument, count_part_ids, encode_new, split
from limner_annotations.transfers import repository
from limner_annotations.transfers.spool import Spool
from limner_common.db import UnitOfWork
from limner_common.errors import Invalid
from limner_model.annotations import LabeledData

#: Rows wait until their documents have this size, so that jobs far apart do not cost a COPY per line.
_PENDING_BYTES = 4 * 1024 * 1024


class ImportMode(StrEnum):
    """What becomes of what is there."""

    REPLACE = "replace"
    APPEND = "append"


@dataclass(frozen=True)
class ImportOrder:
    """What is imported where.

    Attributes:
        task: The task.
        layout: The jobs that are written.
        mode: What becomes of what they hold.
        author: Who imports.
        request_id: A second import of the same request does nothing.
        frames: The frames that tags and shapes may be on; None for all of the jobs' frames. Others are left out.
    """

    task: OpenTask
    layout: Layout
    mode: ImportMode
    author: Author
    request_id: str
    frames: frozenset[int] | None = None


def order_for_job(job: OpenJob, mode: ImportMode, author: Author, request_id: str) -> ImportOrder:
    """Return the order to import into one job; what is not on its frames is left out."""
    layout = Layout([Segment(job.id, job.facts.start_frame, job.facts.stop_frame)], 0, job.task.is_3d)
    return ImportOrder(job.task, layout, mode, author, request_id, job.included_frames)


def order_for_task(task: OpenTask, mode: ImportMode, author: Author, request_id: str) -> ImportOrder:
    """Return the order to import into the annotation jobs of a task."""
    return ImportOrder(task, layout_of(task), mode, author, request_id)


async def find_result(container: AnnotationsContainer, request_id: str) -> Any:
    """Return what the import of a request did, or None."""
    async with container.database.read() as connection:
        return await repository.find_import(connection, request_id)


async def run_import(container: AnnotationsContainer, order: ImportOrder, spool: Spool) -> Any:
    """Import all lines of a spool.

    Returns:
        ``{"revisions": {job id: revision}, "objects": number}``; that of the first delivery when this is a second one.

    Raises:
        Invalid: A line is refused; nothing is written.
        NotFound: A job was deleted.
        LabelsOutdated: The labels of the order went meanwhile; no line was read.
    """
    async with container.database.begin() as uow:
        if not await repository.claim_import(uow, order.request_id):
            return await repository.find_import(uow.connection, order.request_id)
        writer = await _Writer.open(container, uow, order)
        number = 0
        async for line in spool.lines():
            number += 1
            try:
                await writer.write(line)
            except Invalid as error:
                raise Invalid(f"Part {number}: {error.message}", code=error.code, fields=error.fields) from error
        result = await writer.finish()
        await repository.finish_import(uow, order.request_id, result)
        return result


@dataclass
class _Writer:
    """Puts lines into jobs that are locked."""

    container: AnnotationsContainer
    order: ImportOrder
    changes: dict[int, JobChange]
    pending: dict[int, Batch] = field(default_factory=dict)
    pending_bytes: int = 0
    objects: int = 0

    @classmethod
    async def open(cls, container: AnnotationsContainer, uow: UnitOfWork, order: ImportOrder) -> "_Writer":
        task = order.task
        states = await lock_jobs(uow, task.id, [segment.job_id for segment in order.layout.segments], facts=task.facts)
        changes = {
            state.job_id: JobChange(uow, state, ChangeKind.IMPORT, order.author, task.labels_version) for state in states
        }
        if order.mode is ImportMode.REPLACE:
            for change in changes.values():
                await change.end_all()
        return cls(container, order, changes)

    async def write(self, line: bytes) -> None:
        parts = await self.container.compute(len(line), partial(_parse_line, self.order, line))
        fresh = await self.container.ids.take(count_part_ids(parts))
        batches = await self.container.compute(len(line), partial(encode_new, parts, fresh))
        for job_id, batch in batches.items():
            self.pending.setdefault(job_id, Batch()).rows.extend(batch.rows)
            self.pending_bytes += sum(len(row.doc) for row in batch.rows)
            self.objects += len(batch.rows)
        if self.pending_bytes >= _PENDING_BYTES:
            await self.flush()

    async def flush(self) -> None:
        for job_id, batch in self.pending.items():
            await self.changes[job_id].add(batch)
        self.pending.clear()
        self.pending_bytes = 0

    async def finish(self) -> dict[str, Any]:
        await self.flush()
        states = [await change.finish() for change in self.changes.values()]
        return {"revisions": {str(state.job_id): state.revision for state in states}, "objects": self.objects}


def _parse_line(order: ImportOrder, line: bytes) -> list[JobDocument]:
    data = parse_document(line, order.task.schema, start_frame=0, stop_frame=order.task.facts.size - 1)
    if order.frames is not None:
        data = LabeledData(
            tags=[tag for tag in data.tags if tag.frame in order.frames],
            shapes=[shape for shape in data.shapes if shape.frame in order.frames],
            tracks=data.tracks,
        )
    return split(data, order.layout, is_cut=True)
