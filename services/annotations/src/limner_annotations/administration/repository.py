"""Statements on how much belongs to whom."""

from collections.abc import AsyncIterator, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_annotations.revisions.tables import job_states, objects
from limner_common.administration import TaskRows

_IS_THERE = job_states.c.deleted_at.is_(None)


async def task_rows(connection: AsyncConnection) -> AsyncIterator[TaskRows]:
    """Yield how many versions of objects each task has, and the bytes of their documents. Reads the whole table."""
    by_job = (
        sa.select(
            objects.c.job_id,
            sa.func.count().label("rows"),
            sa.func.sum(sa.func.octet_length(objects.c.doc)).label("size_bytes"),
        )
        .group_by(objects.c.job_id)
        .subquery("by_job")
    )
    statement = (
        sa.select(job_states.c.task_id, sa.func.sum(by_job.c.rows), sa.func.sum(by_job.c.size_bytes))
        .join(by_job, by_job.c.job_id == job_states.c.job_id)
        .group_by(job_states.c.task_id)
        .order_by(job_states.c.task_id)
    )
    async for task_id, rows, size_bytes in await connection.stream(statement):
        yield TaskRows(task_id, int(rows), int(size_bytes))


async def tasks(connection: AsyncConnection) -> AsyncIterator[int]:
    """Yield the tasks with annotated jobs that are not deleted, by id."""
    statement = sa.select(job_states.c.task_id).where(_IS_THERE, job_states.c.revision > 0).distinct()
    async for row in await connection.stream(statement.order_by(job_states.c.task_id)):
        yield row.task_id


async def known_jobs(connection: AsyncConnection, names: Sequence[str]) -> set[str]:
    """Return which of these ids, as text, are jobs that are not deleted."""
    return await _known(connection, job_states.c.job_id, names)


async def known_tasks(connection: AsyncConnection, names: Sequence[str]) -> set[str]:
    """Return which of these ids, as text, are tasks with jobs that are not deleted."""
    return await _known(connection, job_states.c.task_id, names)


async def _known(connection: AsyncConnection, column: sa.Column[int], names: Sequence[str]) -> set[str]:
    ids = sa.cast([int(name) for name in names if name.isdecimal()], sa.ARRAY(sa.BigInteger))
    statement = sa.select(column).where(_IS_THERE, column == sa.any_(ids)).distinct()
    return {str(found) for found in (await connection.execute(statement)).scalars()}
