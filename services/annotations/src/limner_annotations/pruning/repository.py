"""SQL that finds the revisions to let go, and removes the objects that only they held."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from limner_annotations.revisions.tables import job_states, objects, revisions
from limner_common.db import Row, UnitOfWork


async def raise_floors(uow: UnitOfWork, *, older_than: datetime, kept_count: int) -> int:
    """Let go of revisions that were replaced before a moment and are not among the last of their job.

    Returns how many jobs have some. A job that is being saved is left for the next time, so that nobody waits.

    Args:
        uow: Unit of work.
        older_than: What a job held at this moment, and since, is kept.
        kept_count: Number of revisions of each job that are kept, however old.
    """
    in_force = (
        sa.select(sa.func.max(revisions.c.revision))
        .where(revisions.c.job_id == job_states.c.job_id, revisions.c.created_at <= older_than)
        .scalar_subquery()
    )
    floor = sa.func.least(job_states.c.revision - kept_count + 1, in_force)
    may_rise = (
        sa.select(job_states.c.job_id, floor.label("floor"))
        .where(
            job_states.c.deleted_at.is_(None),
            job_states.c.revision - kept_count + 1 > job_states.c.kept_from,
            in_force > job_states.c.kept_from,
        )
        .with_for_update(skip_locked=True)
        .cte("may_rise")
    )
    raised = await uow.execute(
        sa.update(job_states).where(job_states.c.job_id == may_rise.c.job_id).values(kept_from=may_rise.c.floor)
    )
    return raised.rowcount


async def find_unpruned(uow: UnitOfWork, *, limit: int) -> Sequence[Row]:
    """Return ``job_id`` and ``kept_from`` of jobs that may still have objects of revisions that were let go."""
    query = sa.select(job_states.c.job_id, job_states.c.kept_from).where(is_unpruned())
    return (await uow.execute(query.order_by(job_states.c.job_id).limit(limit))).all()


async def remove_ended(uow: UnitOfWork, job_id: int, floor: int, limit: int) -> int:
    """Delete objects that had ended by a revision, at most ``limit``; returns how many."""
    key = (objects.c.id, objects.c.created_rev)
    of_job = objects.c.job_id == job_id
    some = sa.select(*key).where(of_job, objects.c.ended_rev <= floor).limit(limit)
    removed = await uow.execute(sa.delete(objects).where(of_job, sa.tuple_(*key).in_(some)))
    return removed.rowcount


async def mark_pruned(uow: UnitOfWork, job_id: int, floor: int) -> None:
    """Remember that nothing is left of a job's revisions before one, unless something is.

    Another process may be removing rows of the same job: until it has committed they count as left.
    """
    left = sa.exists().where(objects.c.job_id == job_id, objects.c.ended_rev <= floor)
    await uow.execute(sa.update(job_states).where(job_states.c.job_id == job_id, ~left).values(pruned_to=floor))


def is_unpruned() -> sa.ColumnElement[bool]:
    """Say that a job has let go of revisions whose objects may still be there."""
    return job_states.c.pruned_to < job_states.c.kept_from
