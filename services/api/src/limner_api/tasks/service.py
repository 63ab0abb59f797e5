"""What can be done with tasks."""

import sqlalchemy as sa

from limner_api.access.objects import AccessedObject
from limner_api.jobs.tables import jobs
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_common.db import UnitOfWork
from limner_common.events import new_message
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent

TOPIC = "limner.catalog.task.v1"


async def delete_task(uow: UnitOfWork, accessed: AccessedObject) -> None:
    """Delete a task; media and annotations follow the recorded fact."""
    assert accessed.task_id is not None
    await _record_deleted(uow, [accessed.task_id], accessed.project_id, accessed.organization_id)
    await uow.execute(sa.delete(tasks).where(tasks.c.id == accessed.task_id))
    if accessed.project_id is not None:
        await uow.execute(sa.update(projects).where(projects.c.id == accessed.project_id).values(updated_at=sa.func.now()))


async def delete_tasks_of_project(uow: UnitOfWork, project_id: int, organization_id: int | None) -> None:
    """Delete all tasks of a project that is about to go."""
    ids = (await uow.execute(sa.select(tasks.c.id).where(tasks.c.project_id == project_id))).scalars().all()
    await _record_deleted(uow, list(ids), project_id, organization_id)
    await uow.execute(sa.delete(tasks).where(tasks.c.project_id == project_id))


async def delete_tasks_of_organization(uow: UnitOfWork, organization_id: int) -> None:
    """Delete all tasks of an organization that belong to no project."""
    mine = sa.and_(tasks.c.organization_id == organization_id, tasks.c.project_id.is_(None))
    ids = (await uow.execute(sa.select(tasks.c.id).where(mine))).scalars().all()
    await _record_deleted(uow, list(ids), None, organization_id)
    await uow.execute(sa.delete(tasks).where(mine))


async def _record_deleted(uow: UnitOfWork, task_ids: list[int], project_id: int | None, organization_id: int | None) -> None:
    statement = (
        sa.select(jobs.c.task_id, sa.func.array_agg(jobs.c.id, type_=sa.ARRAY(sa.BigInteger)))
        .where(jobs.c.task_id.in_(task_ids))
        .group_by(jobs.c.task_id)
    )
    job_ids = {row[0]: row[1] for row in (await uow.execute(statement)).all()}
    for task_id in task_ids:
        event = TaskEvent(task_id=task_id, project_id=project_id or 0, organization_id=organization_id or 0)
        event.deleted.job_ids.extend(sorted(job_ids.get(task_id, ())))
        event.deleted.SetInParent()
        uow.record(new_message(TOPIC, task_id, event, producer="api"))
