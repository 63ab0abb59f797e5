"""Looking back: the list of revisions, what changed between two, and going back to one."""

import msgspec

from limner_annotations.access import OpenJob
from limner_annotations.revisions import reading, repository
from limner_annotations.revisions.documents import Kind, join_document, refresh_documents
from limner_annotations.revisions.schemas import RevisionRead
from limner_annotations.revisions.service import JobChange, lock_job
from limner_annotations.revisions.states import Author, ChangeKind, JobState
from limner_common.clock import wire_date
from limner_common.db import Database, Row, UnitOfWork
from limner_common.errors import NotFound
from limner_model.labels import LabelSchema


async def read_page(database: Database, state: JobState, *, page: int, page_size: int) -> list[RevisionRead]:
    """Return a page of the revisions of a job, the newest first; pages count from 1.

    Raises:
        NotFound: The page is beyond the end.
    """
    last = state.revision - (page - 1) * page_size
    if page > 1 and last < 1:
        raise NotFound("Invalid page.")
    async with database.read() as connection:
        rows = await reading.list_revisions(connection, state.job_id, first=last - page_size + 1, last=last)
    return [_read(row, is_kept=state.is_kept(row.revision)) for row in rows]


async def compare(database: Database, state: JobState, first: int, second: int, schema: LabelSchema) -> bytes:
    """Return what changed from one revision of a job to another, which may be the earlier one.

    Returns:
        JSON: ``created`` and ``updated`` are wire documents of the objects as they are in the second revision,
        ``deleted`` has the ids of the objects that are not in it, by kind.

    Raises:
        NotFound: There is no such revision.
        Gone: One of them was let go.
    """
    async with database.begin(is_repeatable=True) as uow:  # in which no revision is let go between look and read
        (seen,) = await repository.get_states(uow.connection, [state.job_id]) or [state]
        seen.require(first)
        seen.require(second)
        rows = await reading.changed_between(uow.connection, state.job_id, first, second)
    old = {(row.kind, row.id) for row in rows if not row.is_new}
    new = {(row.kind, row.id) for row in rows if row.is_new}
    created = _document([row for row in rows if row.is_new and (row.kind, row.id) not in old], schema)
    updated = _document([row for row in rows if row.is_new and (row.kind, row.id) in old], schema)
    gone = {
        kind.field: [row.id for row in rows if row.kind == kind and not row.is_new and (kind, row.id) not in new]
        for kind in Kind
    }
    deleted = msgspec.json.encode(gone)
    return b'{"from":%d,"to":%d,"created":%b,"updated":%b,"deleted":%b}' % (first, second, created, updated, deleted)


async def restore(uow: UnitOfWork, job: OpenJob, revision: int, author: Author, *, expected: int | None = None) -> JobState:
    """Make one new revision whose objects are those of an earlier one; ids are the same.

    Objects of labels that are gone stay away. Restoring the revision before undoes it.

    Args:
        uow: Unit of work.
        job: Job.
        revision: Revision to go back to, from 0, which is empty.
        author: Who asks.
        expected: Revision the job must be at; None when any will do.

    Raises:
        NotFound: There is no such revision, or the job was deleted.
        Gone: The revision was let go.
        RevisionMismatch: The job is at another revision than expected.
        LabelsOutdated: The task's labels went meanwhile.
    """
    state = await lock_job(uow, job.task.id, job.id, expected=expected, facts=job.task.facts)
    state.require(revision)
    change = JobChange(uow, state, ChangeKind.RESTORE, author, job.task.labels_version)
    await change.restore(revision, job.task.label_ids)
    return await change.finish()


def _document(rows: list[Row], schema: LabelSchema) -> bytes:
    docs = {kind: [row.doc for row in rows if row.kind == kind] for kind in Kind}
    return join_document({kind: refresh_documents(kind, found, schema) for kind, found in docs.items()})


def _read(row: Row, *, is_kept: bool) -> RevisionRead:
    return RevisionRead(
        revision=row.revision,
        created_at=wire_date(row.created_at),
        user_id=row.user_id,
        username=row.username,
        kind=row.kind,
        reason=row.reason,
        created=row.created,
        updated=row.updated,
        deleted=row.deleted,
        is_kept=is_kept,
    )
