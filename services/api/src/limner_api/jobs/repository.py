"""SQL of jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limner_api.jobs.tables import jobs
from limner_common.db import Row, UnitOfWork
from limner_model.segments import Segment


async def add_annotation_jobs(uow: UnitOfWork, task_id: int, segments: Sequence[Segment], *, replicas: int = 0) -> list[Row]:
    """Make one annotation job per segment, and ``replicas`` replica jobs of each.

    Returns:
        The jobs made, annotation jobs in order of their segments, then replicas.
    """
    values = [
        {
            "task_id": task_id,
            "start_frame": segment.start,
            "stop_frame": segment.stop,
            "frame_count": segment.stop - segment.start + 1,
        }
        for segment in segments
    ]
    made = await _insert(uow, [{**value, "type": "annotation", "parent_job_id": None} for value in values])
    copies = [
        {**value, "type": "replica", "parent_job_id": job.id}
        for value, job in zip(values, made, strict=True)
        for _ in range(replicas)
    ]
    return [*made, *(await _insert(uow, copies))] if copies else made


async def lock(uow: UnitOfWork, job_id: int) -> Row | None:
    """Return a job's row, locked until the unit of work ends; None when there is none."""
    return (await uow.execute(sa.select(jobs).where(jobs.c.id == job_id).with_for_update())).one_or_none()


async def update(uow: UnitOfWork, job_id: int, values: Mapping[str, Any]) -> None:
    """Change a job and its date."""
    await uow.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**values, updated_at=sa.func.now()))


async def remove(uow: UnitOfWork, job_id: int) -> None:
    """Delete a job."""
    await uow.execute(sa.delete(jobs).where(jobs.c.id == job_id))


async def _insert(uow: UnitOfWork, values: list[dict[str, object]]) -> list[Row]:
    # Sorted by parameter order, so that ids grow with the frames.
    statement = sa.insert(jobs).returning(
        jobs.c.id, jobs.c.start_frame, jobs.c.stop_frame, jobs.c.type, sort_by_parameter_order=True
    )
    return list((await uow.execute(statement, values)).all())
