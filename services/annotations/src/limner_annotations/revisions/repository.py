"""SQL of job states, revisions, and changes of objects."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_annotations.revisions.copying import COLUMNS, copy_pieces
from limner_annotations.revisions.documents import Counts, ObjectRow, Target
from limner_annotations.revisions.states import Author, ChangeKind, Difference, JobState, SavedBefore
from limner_annotations.revisions.tables import job_states, objects, revisions
from limner_common.db import Prepared, UnitOfWork
from limner_common.db.engine import driver_connection

_MEASURED = (objects.c.kind, objects.c.label_id, sa.func.octet_length(objects.c.doc).label("size"))

#: Ids named in a conflict at most, of each sort.
MAX_DIFFERENCE = 10_000


def _locking() -> sa.UpdateBase:
    wanted = sa.func.unnest(sa.bindparam("job_ids", type_=pg.ARRAY(sa.BigInteger)))
    jobs = wanted.table_valued(sa.column("job_id", sa.BigInteger), name="wanted").render_derived()
    insert = pg.insert(job_states).from_select(
        ["job_id", "task_id"], sa.select(jobs.c.job_id, sa.bindparam("of_task", type_=sa.BigInteger))
    )
    return insert.on_conflict_do_update(
        index_elements=[job_states.c.job_id], set_={"task_id": insert.excluded.task_id}
    ).returning(job_states)


def _saving() -> sa.UpdateBase:
    names = ("revision", "labels_version", "label_ids", "tags", "shapes", "tracks", "document_bytes")
    values = {name: sa.bindparam(f"new_{name}", type_=job_states.c[name].type) for name in names}
    return (
        sa.update(job_states)
        .where(job_states.c.job_id == sa.bindparam("of_job"))
        .values({**values, "updated_at": sa.func.now()})
    )


_LOCK_STATES = Prepared(_locking())
_SAVE_STATE = Prepared(_saving())
_ADD_REVISION = Prepared(
    pg.insert(revisions)
    .on_conflict_do_nothing(
        index_elements=[revisions.c.job_id, revisions.c.save_key], index_where=revisions.c.save_key.is_not(None)
    )
    .returning(revisions.c.revision),
    [column.name for column in revisions.columns if column.name != "created_at"],
)


async def lock_states(uow: UnitOfWork, task_id: int, job_ids: Collection[int]) -> list[JobState]:
    """Lock the rows of jobs, made when missing, in ascending order, which rules out deadlocks; one statement."""
    if not job_ids:
        return []
    rows = await _LOCK_STATES.fetch(uow, job_ids=sorted(job_ids), of_task=task_id)
    return sorted(map(_state, rows), key=lambda state: state.job_id)


async def get_states(connection: AsyncConnection, job_ids: Collection[int]) -> list[JobState]:
    """Return what is known of some jobs, by id; those that were never written are left out."""
    query = sa.select(job_states).where(job_states.c.job_id == sa.any_(sa.cast([*job_ids], pg.ARRAY(sa.BigInteger))))
    return [_state(row) for row in (await connection.execute(query.order_by(job_states.c.job_id))).mappings()]


async def list_states(connection: AsyncConnection, *, task_id: int) -> list[JobState]:
    """Return the jobs of a task that were ever written and are not deleted, by id."""
    query = sa.select(job_states).where(job_states.c.task_id == task_id, job_states.c.deleted_at.is_(None))
    return [_state(row) for row in (await connection.execute(query.order_by(job_states.c.job_id))).mappings()]


async def jobs_with_labels(connection: AsyncConnection, label_ids: Collection[int]) -> list[tuple[int, int]]:
    """Return (task id, job id) of jobs that may have objects of these labels, by id."""
    wanted = sa.cast(list(label_ids), pg.ARRAY(sa.BigInteger))
    query = sa.select(job_states.c.task_id, job_states.c.job_id).where(
        job_states.c.label_ids.overlap(wanted), job_states.c.deleted_at.is_(None)
    )
    return [(row.task_id, row.job_id) for row in await connection.execute(query.order_by(job_states.c.job_id))]


async def save_state(uow: UnitOfWork, state: JobState) -> None:
    """Store a job's new state."""
    await _SAVE_STATE.fetch(
        uow,
        of_job=state.job_id,
        new_revision=state.revision,
        new_labels_version=state.labels_version,
        new_label_ids=sorted(state.label_ids),
        new_tags=state.counts.tags,
        new_shapes=state.counts.shapes,
        new_tracks=state.counts.tracks,
        new_document_bytes=state.counts.document_bytes,
    )


async def add_revision(
    uow: UnitOfWork, state: JobState, kind: ChangeKind, author: Author, *, created: int, updated: int, deleted: int
) -> None:
    """Enter a job's new revision into its history.

    Raises:
        SavedBefore: The same request wrote one already.
    """
    added = await _ADD_REVISION.fetch(
        uow,
        job_id=state.job_id,
        revision=state.revision,
        user_id=author.user_id,
        username=author.username,
        kind=kind,
        reason=author.reason,
        created=created,
        updated=updated,
        deleted=deleted,
        save_key=author.save_key,
    )
    if not added:
        raise SavedBefore


async def copy_objects(uow: UnitOfWork, job_id: int, revision: int, rows: Sequence[ObjectRow]) -> None:
    """Insert objects by COPY, in this transaction. A statement must have run in it before."""
    connection = await driver_connection(uow.connection)
    await connection.copy_to_table(
        objects.name,
        schema_name=objects.schema,
        columns=COLUMNS,
        source=copy_pieces(job_id, revision, rows),
        format="binary",
    )


async def end_all(uow: UnitOfWork, job_id: int, revision: int) -> None:
    """End all current objects of a job."""
    await uow.execute(_ending(job_id, revision))


async def end_targets(uow: UnitOfWork, job_id: int, revision: int, targets: Collection[Target]) -> tuple[set[int], Counts]:
    """End the current objects of a job that are named; others are ignored.

    Returns:
        Ids of the objects that were there, and their counts.
    """
    wanted = (
        sa.func.unnest(
            sa.cast([target.kind.value for target in targets], pg.ARRAY(sa.SmallInteger)),
            sa.cast([target.id for target in targets], pg.ARRAY(sa.BigInteger)),
        )
        .table_valued("kind", "id", name="wanted")
        .render_derived()
    )
    statement = (
        _ending(job_id, revision)
        .where(objects.c.id == wanted.c.id, objects.c.kind == wanted.c.kind)
        .returning(objects.c.id, objects.c.kind, sa.func.octet_length(objects.c.doc).label("size"))
    )
    found: set[int] = set()
    counts = Counts()
    for row in await uow.execute(statement):
        found.add(row.id)
        counts.count(row.kind, 1, row.size)
    return found, counts


async def _end_where(uow: UnitOfWork, job_id: int, revision: int, condition: sa.ColumnElement[bool]) -> Counts:
    """End the current objects of a job that meet a condition on ``objects``."""
    ended = _ending(job_id, revision).where(condition).returning(*_MEASURED).cte("ended")
    return (await _measure(uow, ended))[0]


def _ending(job_id: int, revision: int) -> sa.Update:
    return sa.update(objects).where(objects.c.job_id == job_id, objects.c.ended_rev.is_(None)).values(ended_rev=revision)


async def _measure(uow: UnitOfWork, changed: sa.CTE) -> tuple[Counts, set[int]]:
    """Run a change that returns ``_MEASURED`` of its rows; return counts and labels."""
    query = sa.select(
        changed.c.kind,
        sa.func.count().label("number"),
        sa.func.sum(changed.c.size).label("size"),
        sa.func.array_agg(sa.distinct(changed.c.label_id)).label("label_ids"),
    ).group_by(changed.c.kind)
    counts, label_ids = Counts(), set[int]()
    for row in await uow.execute(query):
        counts.count(row.kind, row.number, int(row.size))
        label_ids.update(row.label_ids)
    return counts, label_ids


async def end_labels(uow: UnitOfWork, job_id: int, revision: int, label_ids: Collection[int]) -> Counts:
    """End the current objects of a job that have one of these labels."""
    return await _end_where(uow, job_id, revision, objects.c.label_id.in_(label_ids))


async def end_created_after(uow: UnitOfWork, job_id: int, revision: int, past: int) -> Counts:
    """End the current objects of a job that were not there, or not so, at an earlier revision."""
    return await _end_where(uow, job_id, revision, objects.c.created_rev > past)


async def revive(
    uow: UnitOfWork, job_id: int, revision: int, past: int, label_ids: Collection[int]
) -> tuple[Counts, set[int]]:
    """Insert again the objects that were there at an earlier revision and have ended since.

    Args:
        uow: Unit of work.
        job_id: Job.
        revision: Revision that is being written.
        past: Earlier revision.
        label_ids: Labels that still exist; objects of others stay away.

    Returns:
        Counts and labels of what was inserted.
    """
    copied = sa.select(
        objects.c.job_id,
        objects.c.id,
        sa.literal(revision, sa.BigInteger),
        objects.c.kind,
        objects.c.frame,
        objects.c.last_frame,
        objects.c.label_id,
        objects.c.type,
        objects.c.doc,
    ).where(
        objects.c.job_id == job_id,
        objects.c.created_rev <= past,
        objects.c.ended_rev > past,
        objects.c.label_id.in_(label_ids),
    )
    return await _measure(uow, sa.insert(objects).from_select([*COLUMNS], copied).returning(*_MEASURED).cte("inserted"))


async def difference_since(connection: AsyncConnection, state: JobState, past: int) -> Difference:
    """Return the ids of objects that came and went in a job after a revision, each at most ``MAX_DIFFERENCE``."""
    created = objects.c.created_rev > past
    gone = sa.and_(objects.c.created_rev <= past, objects.c.ended_rev > past)
    found: list[list[int]] = []
    for condition in (sa.and_(created, objects.c.ended_rev.is_(None)), gone):
        query = sa.select(objects.c.id).where(objects.c.job_id == state.job_id, condition)
        found.append(list((await connection.scalars(query.order_by(objects.c.id).limit(MAX_DIFFERENCE + 1))).all()))
    is_cut = not state.is_kept(past) or any(len(ids) > MAX_DIFFERENCE for ids in found)
    return Difference(found[0][:MAX_DIFFERENCE], found[1][:MAX_DIFFERENCE], is_cut=is_cut)


def _state(row: Mapping[Any, Any]) -> JobState:
    return JobState(
        job_id=row["job_id"],
        task_id=row["task_id"],
        revision=row["revision"],
        labels_version=row["labels_version"],
        label_ids=frozenset(row["label_ids"]),
        counts=Counts(row["tags"], row["shapes"], row["tracks"], row["document_bytes"]),
        updated_at=row["updated_at"],
        is_deleted=row["deleted_at"] is not None,
        kept_from=row["kept_from"],
    )


async def mark_deleted(uow: UnitOfWork, job_ids: Collection[int]) -> None:
    """Mark jobs as deleted and empty."""
    if not job_ids:
        return
    empty = {"labels_version": "", "label_ids": [], "tags": 0, "shapes": 0, "tracks": 0, "document_bytes": 0}
    await uow.execute(
        sa.update(job_states)
        .where(job_states.c.job_id == sa.any_(sa.cast([*job_ids], pg.ARRAY(sa.BigInteger))))
        .values(deleted_at=sa.func.now(), **empty)
    )


async def purge_objects(uow: UnitOfWork, job_id: int, limit: int) -> int:
    """Delete objects of a job, at most ``limit``; returns how many."""
    key = (objects.c.id, objects.c.created_rev)
    some = sa.select(*key).where(objects.c.job_id == job_id).limit(limit)
    removed = await uow.execute(sa.delete(objects).where(objects.c.job_id == job_id, sa.tuple_(*key).in_(some)))
    return removed.rowcount


async def purge_revisions(uow: UnitOfWork, job_id: int) -> None:
    """Delete the history of a job."""
    await uow.execute(sa.delete(revisions).where(revisions.c.job_id == job_id))
