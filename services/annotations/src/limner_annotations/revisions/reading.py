"""SQL that reads objects: streams of documents in bounded pieces, and what history needs."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_annotations.revisions import repository
from limner_annotations.revisions.documents import Counts, Kind, Target
from limner_annotations.revisions.states import JobState
from limner_annotations.revisions.stored import StoredDoc
from limner_annotations.revisions.tables import objects, revisions
from limner_common.db import Row
from limner_common.db.engine import driver_connection

#: Bytes of documents that one fetch brings at most, roughly.
_FETCH_BYTES = 2 * 1024 * 1024
_MAX_FETCH_ROWS = 5000
#: Whoever reads ``stream_docs`` makes objects of the documents, which take many times their bytes.
_DECODED_FETCH_BYTES = 256 * 1024
_MANY_ROWS = 5000
_DIALECT: sa.Dialect = dialect()  # type: ignore[no-untyped-call]


def is_current() -> sa.ColumnElement[bool]:
    """Say that an object is in its job now."""
    return objects.c.ended_rev.is_(None)


def was_in(revision: int) -> sa.ColumnElement[bool]:
    """Say that an object was in its job at a revision."""
    return sa.and_(objects.c.created_rev <= revision, sa.or_(objects.c.ended_rev.is_(None), objects.c.ended_rev > revision))


async def pin(connection: AsyncConnection, pins: Sequence[tuple[int, int]]) -> tuple[sa.ColumnElement[bool], Counts]:
    """Return which rows were in jobs at the revisions pinned for them, and about how many there are; one statement.

    Raises:
        Gone: A revision was let go.
    """
    states = await repository.get_states(connection, [job_id for job_id, _ in pins])
    pinned = dict(pins)
    for state in states:
        state.require_kept(pinned[state.job_id])
    return at_revisions(states, pins), sum((state.counts for state in states), Counts())


def at_revisions(states: Sequence[JobState], pins: Sequence[tuple[int, int]]) -> sa.ColumnElement[bool]:
    """Say that an object was in its job at the revision pinned for it.

    Args:
        states: States of the jobs in the same snapshot.
        pins: Job and revision; jobs at that revision now are read by the index of current objects.
    """
    now = {state.job_id: state.revision for state in states}
    current = [job_id for job_id, revision in pins if now.get(job_id, 0) == revision]
    conditions = []
    if current:
        conditions.append(sa.and_(_in_jobs(current), is_current()))
    conditions += [
        sa.and_(objects.c.job_id == job_id, was_in(revision)) for job_id, revision in pins if job_id not in set(current)
    ]
    return sa.or_(*conditions) if conditions else sa.false()


async def stream_docs(
    connection: AsyncConnection,
    condition: sa.ColumnElement[bool],
    expected: Counts,
    kind: Kind | None = None,
) -> AsyncIterator[list[StoredDoc]]:
    """Yield documents by kind, job, frame and id, in lists of bounded size.

    Several streams may be read from one connection by turns.

    Args:
        connection: Connection, in a transaction in which a statement has run.
        condition: Which rows; see ``at_revisions``.
        expected: About how many documents of which size; sets how they are fetched.
        kind: Only objects of this kind.
    """
    query = sa.select(objects.c.job_id, objects.c.kind, objects.c.id, objects.c.frame, objects.c.doc).where(condition)
    if kind is not None:
        query = query.where(objects.c.kind == kind.value)
    ordered = query.order_by(objects.c.kind, objects.c.job_id, objects.c.frame, objects.c.id)
    async for rows in _fetch(connection, ordered, expected, _DECODED_FETCH_BYTES):
        yield [StoredDoc(*row) for row in rows]


async def stream_by_kind(
    connection: AsyncConnection, condition: sa.ColumnElement[bool], expected: Counts
) -> AsyncIterator[tuple[Kind, list[bytes]]]:
    """Yield documents as ``stream_docs`` does, those of one kind together and nothing else of them: the fast way."""
    query = sa.select(objects.c.kind, objects.c.doc).where(condition)
    ordered = query.order_by(objects.c.kind, objects.c.job_id, objects.c.frame, objects.c.id)
    async for rows in _fetch(connection, ordered, expected, _FETCH_BYTES):
        for kind in range(rows[0][0], rows[-1][0] + 1):
            docs = [doc for row_kind, doc in rows if row_kind == kind]
            if docs:
                yield Kind(kind), docs


async def _fetch(
    connection: AsyncConnection, query: sa.Select[Any], expected: Counts, fetch_bytes: int
) -> AsyncIterator[list["asyncpg.Record"]]:
    """Yield the rows of a query from a cursor of the driver, which costs a third of a streamed result.

    Args:
        connection: Connection, in a transaction in which a statement has run.
        query: What to read.
        expected: About how many documents of which size.
        fetch_bytes: Bytes of documents that one fetch brings at most, roughly: by the mean size.
    """
    if expected.total > _MANY_ROWS:
        # Fresh tables have no statistics: the planner would sort what the index has in order.
        await connection.execute(sa.text("SET LOCAL enable_sort = off"))
    compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    parameters = [compiled.params[name] for name in compiled.positiontup or ()]
    driver = await driver_connection(connection)
    cursor = await driver.cursor(str(compiled), *parameters)
    size = max(1, min(_MAX_FETCH_ROWS, fetch_bytes // max(expected.mean_bytes, 1)))
    while rows := await cursor.fetch(size):
        yield rows
        if len(rows) < size:
            return


async def find_docs(
    connection: AsyncConnection, job_ids: Collection[int], condition: sa.ColumnElement[bool]
) -> list[StoredDoc]:
    """Return current objects of some jobs that meet a condition on ``objects``, by job, frame and id."""
    query = (
        sa.select(objects.c.job_id, objects.c.kind, objects.c.id, objects.c.frame, objects.c.doc)
        .where(_in_jobs(job_ids), is_current(), condition)
        .order_by(objects.c.job_id, objects.c.frame, objects.c.id)
    )
    return [StoredDoc(*row) for row in await connection.execute(query)]


async def find_targets(
    connection: AsyncConnection, job_ids: Collection[int], targets: Collection[Target]
) -> list[StoredDoc]:
    """Return the current objects of some jobs that are named; others are ignored."""
    wanted = sa.tuple_(objects.c.kind, objects.c.id).in_(
        sa.select(
            sa.func.unnest(
                sa.cast([target.kind.value for target in targets], pg.ARRAY(sa.SmallInteger)),
                sa.cast([target.id for target in targets], pg.ARRAY(sa.BigInteger)),
            )
            .table_valued("kind", "id", name="wanted")
            .render_derived()
        )
    )
    return await find_docs(connection, job_ids, wanted)


async def find_tracks(connection: AsyncConnection, job_ids: Collection[int]) -> list[StoredDoc]:
    """Return the current tracks of some jobs."""
    return await find_docs(connection, job_ids, objects.c.kind == Kind.TRACK.value)


async def find_on_frames(connection: AsyncConnection, job_ids: Collection[int], frames: Collection[int]) -> list[StoredDoc]:
    """Return the current tags and shapes of some jobs on some frames."""
    on_frames = objects.c.frame == sa.any_(sa.cast(sorted(frames), pg.ARRAY(sa.Integer)))
    return await find_docs(connection, job_ids, sa.and_(objects.c.kind != Kind.TRACK.value, on_frames))


def _in_jobs(job_ids: Collection[int]) -> sa.ColumnElement[bool]:
    if len(job_ids) == 1:
        return objects.c.job_id == next(iter(job_ids))
    return objects.c.job_id == sa.any_(sa.cast(sorted(job_ids), pg.ARRAY(sa.BigInteger)))


async def list_revisions(connection: AsyncConnection, job_id: int, *, first: int, last: int) -> list[Row]:
    """Return the revisions of a job from ``first`` to ``last``, both inclusive, the newest first."""
    query = sa.select(revisions).where(revisions.c.job_id == job_id, revisions.c.revision.between(first, last))
    return list((await connection.execute(query.order_by(revisions.c.revision.desc()))).all())


async def changed_between(connection: AsyncConnection, job_id: int, first: int, second: int) -> list[Row]:
    """Return the rows that were in a job at exactly one of two revisions, with ``is_new``: at the second one.

    A changed object has two rows. Rows are sorted by kind, frame and id.
    """
    in_second = was_in(second)
    query = (
        sa.select(objects.c.kind, objects.c.id, objects.c.doc, in_second.label("is_new"))
        .where(objects.c.job_id == job_id, was_in(first) != in_second)
        .order_by(objects.c.kind, objects.c.frame, objects.c.id)
    )
    return list((await connection.execute(query)).all())
