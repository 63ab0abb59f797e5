"""SQL of tasks."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_common.db import Row, UnitOfWork


async def lock(uow: UnitOfWork, task_id: int) -> Row | None:
    """Return a task's row, locked until the unit of work ends; None when there is none."""
    return (await uow.execute(sa.select(tasks).where(tasks.c.id == task_id).with_for_update())).one_or_none()


async def open_with_data(uow: UnitOfWork, task_id: int, values: Mapping[str, Any]) -> None:
    """Keep what media told of a task's data and mark it ready."""
    await uow.execute(
        sa.update(tasks)
        .where(tasks.c.id == task_id)
        .values(
            **values,
            data_ready_at=sa.func.now(),
            updated_at=sa.func.now(),
            facts_version=tasks.c.facts_version + 1,
        )
    )


async def touch(uow: UnitOfWork, task_id: int) -> None:
    """Move the dates of a task and its project to now."""
    project_id = await uow.scalar(
        sa.update(tasks).where(tasks.c.id == task_id).values(updated_at=sa.func.now()).returning(tasks.c.project_id)
    )
    if project_id is not None:
        await uow.execute(sa.update(projects).where(projects.c.id == project_id).values(updated_at=sa.func.now()))


async def find(connection: AsyncConnection, task_id: int) -> Row | None:
    """Return a task's row, or None."""
    return (await connection.execute(sa.select(tasks).where(tasks.c.id == task_id))).one_or_none()
