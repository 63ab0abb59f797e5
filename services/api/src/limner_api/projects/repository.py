"""SQL of projects."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_common.db import Row, UnitOfWork


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Insert a project and return its id."""
    project_id: int = await uow.scalar(sa.insert(projects).values(**values).returning(projects.c.id))
    return project_id


async def lock(uow: UnitOfWork, project_id: int) -> Row | None:
    """Return a project's row, locked until the unit of work ends; None when there is none."""
    return (await uow.execute(sa.select(projects).where(projects.c.id == project_id).with_for_update())).one_or_none()


async def update(uow: UnitOfWork, project_id: int, values: Mapping[str, Any]) -> None:
    """Change a project, and give it a new version and date."""
    await uow.execute(
        sa.update(projects)
        .where(projects.c.id == project_id)
        .values(**values, updated_at=sa.func.now(), facts_version=projects.c.facts_version + 1)
    )


async def move_tasks(uow: UnitOfWork, project_id: int, organization_id: int | None) -> None:
    """Put a project's tasks where the project lies now."""
    await uow.execute(sa.update(tasks).where(tasks.c.project_id == project_id).values(organization_id=organization_id))


async def find_of_organization(uow: UnitOfWork, organization_id: int) -> Sequence[int]:
    """Return the ids of an organization's projects, locked."""
    mine = sa.select(projects.c.id).where(projects.c.organization_id == organization_id).order_by(projects.c.id)
    return (await uow.execute(mine.with_for_update())).scalars().all()


async def remove(uow: UnitOfWork, project_id: int) -> None:
    """Delete a project with its labels."""
    await uow.execute(sa.delete(projects).where(projects.c.id == project_id))


async def newest_task_with_data(connection: AsyncConnection, project_id: int) -> int | None:
    """Return the id of the newest task whose frames can be read, or None."""
    ready = sa.and_(tasks.c.project_id == project_id, tasks.c.data_ready_at.is_not(None))
    task_id: int | None = await connection.scalar(sa.select(tasks.c.id).where(ready).order_by(tasks.c.id.desc()).limit(1))
    return task_id
