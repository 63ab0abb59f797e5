"""Statements on imports."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.db import UnitOfWork
from limner_exports.importing.tables import imported_tasks


async def find_task(connection: AsyncConnection, work_id: str, subset: str) -> int | None:
    """Return the task that an import makes of a subset, when one was noted."""
    mine = sa.and_(imported_tasks.c.work_id == work_id, imported_tasks.c.subset == subset)
    found: int | None = await connection.scalar(sa.select(imported_tasks.c.task_id).where(mine))
    return found


async def find_tasks(connection: AsyncConnection, work_id: str) -> Sequence[int]:
    """Return all tasks that were noted for an import."""
    statement = sa.select(imported_tasks.c.task_id).where(imported_tasks.c.work_id == work_id)
    return (await connection.execute(statement)).scalars().all()


async def note_task(uow: UnitOfWork, work_id: str, subset: str, task_id: int) -> int:
    """Note the task of a subset; returns the one that counts, which is the first that was noted."""
    row = {"work_id": work_id, "subset": subset, "task_id": task_id}
    await uow.execute(pg.insert(imported_tasks).values(row).on_conflict_do_nothing())
    found = await find_task(uow.connection, work_id, subset)
    assert found is not None
    return found


async def forget_tasks(uow: UnitOfWork, work_id: str) -> None:
    """Forget the tasks of an import that is over."""
    await uow.execute(sa.delete(imported_tasks).where(imported_tasks.c.work_id == work_id))


async def ended_imports(connection: AsyncConnection, items: sa.Table) -> Sequence[str]:
    """Return the imports that are over and still have tasks noted."""
    is_active = sa.exists().where(items.c.id == imported_tasks.c.work_id, items.c.state.in_(["queued", "running"]))
    statement = sa.select(imported_tasks.c.work_id).distinct().where(~is_active)
    return (await connection.execute(statement)).scalars().all()
