"""SQL of tasks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from limner_api.jobs.tables import jobs
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_common.db import Row, UnitOfWork

# Rows are locked in one order everywhere: projects by id, then tasks, then jobs.


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Insert a task and return its id."""
    task_id: int = await uow.scalar(sa.insert(tasks).values(**values).returning(tasks.c.id))
    return task_id


async def lock(uow: UnitOfWork, task_id: int) -> Row | None:
    """Return a task's row, locked until the unit of work ends; None when there is none."""
    return (await uow.execute(sa.select(tasks).where(tasks.c.id == task_id).with_for_update())).one_or_none()


async def hold_projects(uow: UnitOfWork, project_ids: Iterable[int | None]) -> None:
    """Lock projects until the unit of work ends."""
    wanted = sorted({project_id for project_id in project_ids if project_id is not None})
    if wanted:
        locked = sa.select(projects.c.id).where(projects.c.id.in_(wanted)).order_by(projects.c.id).with_for_update()
        await uow.execute(locked)


async def touch_projects(uow: UnitOfWork, project_ids: Iterable[int | None]) -> None:
    """Move the dates of projects to now, locking them first."""
    wanted = [project_id for project_id in project_ids if project_id is not None]
    if wanted:
        await hold_projects(uow, wanted)
        await uow.execute(sa.update(projects).where(projects.c.id.in_(wanted)).values(updated_at=sa.func.now()))


async def update(uow: UnitOfWork, task_id: int, values: Mapping[str, Any]) -> int:
    """Change a task that is there, and give it a date and a new version, which is returned."""
    version: int = await uow.connection.scalar(
        sa.update(tasks)
        .where(tasks.c.id == task_id)
        .values(**values, updated_at=sa.func.now(), facts_version=tasks.c.facts_version + 1)
        .returning(tasks.c.facts_version)
    )
    return version


async def bump(uow: UnitOfWork, task_id: int) -> None:
    """Give a task a new version: what its facts tell has changed."""
    await uow.execute(sa.update(tasks).where(tasks.c.id == task_id).values(facts_version=tasks.c.facts_version + 1))


async def open_with_data(uow: UnitOfWork, task_id: int, values: Mapping[str, Any]) -> None:
    """Keep what media told of a task's data and mark it ready."""
    await update(uow, task_id, {**values, "data_ready_at": sa.func.now()})


async def touch(uow: UnitOfWork, task_id: int) -> None:
    """Move the dates of a task and its project to now."""
    mine = sa.select(tasks.c.project_id).where(tasks.c.id == task_id).scalar_subquery()
    await uow.execute(sa.update(projects).where(projects.c.id == mine).values(updated_at=sa.func.now()))
    await uow.execute(sa.update(tasks).where(tasks.c.id == task_id).values(updated_at=sa.func.now()))


async def job_statuses(uow: UnitOfWork, task_id: int) -> Sequence[str]:
    """Return the statuses that a task's jobs have."""
    return (await uow.execute(sa.select(jobs.c.status).where(jobs.c.task_id == task_id).distinct())).scalars().all()


async def task_statuses(uow: UnitOfWork, project_id: int) -> Sequence[str]:
    """Return the statuses that a project's tasks have."""
    statement = sa.select(tasks.c.status).where(tasks.c.project_id == project_id).distinct()
    return (await uow.execute(statement)).scalars().all()


async def set_status(uow: UnitOfWork, task_id: int, status: str) -> None:
    """Store the derived status of a task."""
    await uow.execute(sa.update(tasks).where(tasks.c.id == task_id, tasks.c.status != status).values(status=status))


async def set_project_status(uow: UnitOfWork, project_id: int, status: str) -> None:
    """Store the derived status of a project."""
    statement = sa.update(projects).where(projects.c.id == project_id, projects.c.status != status).values(status=status)
    await uow.execute(statement)


async def project_dimension(uow: UnitOfWork, project_id: int) -> str | None:
    """Return the dimension of a project's tasks with data; None when there are none."""
    ready = sa.and_(tasks.c.project_id == project_id, tasks.c.data_ready_at.is_not(None))
    dimension: str | None = await uow.scalar(sa.select(tasks.c.dimension).where(ready).order_by(tasks.c.id).limit(1))
    return dimension


async def find_of_project(uow: UnitOfWork, project_id: int) -> list[Row]:
    """Return id, project_id, organization_id and job_ids of a project's tasks, locked."""
    return await _find_deletable(uow, tasks.c.project_id == project_id)


async def find_of_organization(uow: UnitOfWork, organization_id: int) -> list[Row]:
    """Return the same of an organization's tasks that are in no project."""
    return await _find_deletable(uow, sa.and_(tasks.c.organization_id == organization_id, tasks.c.project_id.is_(None)))


async def job_ids(uow: UnitOfWork, task_id: int) -> Sequence[int]:
    """Return the ids of a task's jobs."""
    return (await uow.execute(sa.select(jobs.c.id).where(jobs.c.task_id == task_id))).scalars().all()


async def remove(uow: UnitOfWork, task_ids: Sequence[int]) -> None:
    """Delete tasks with their jobs and labels."""
    await uow.execute(sa.delete(tasks).where(tasks.c.id.in_(task_ids)))


async def _find_deletable(uow: UnitOfWork, condition: sa.ColumnElement[bool]) -> list[Row]:
    ids = sa.select(sa.func.array_agg(jobs.c.id)).where(jobs.c.task_id == tasks.c.id).scalar_subquery()
    statement = (
        sa.select(tasks.c.id, tasks.c.project_id, tasks.c.organization_id, ids.label("job_ids"))
        .where(condition)
        .order_by(tasks.c.id)
        .with_for_update()
    )
    return list((await uow.execute(statement)).all())
