"""Statements on the whole catalog."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.organizations.tables import organizations
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A task, or a project when ``task_id`` is None, with what it lies in."""

    task_id: int | None
    task_name: str | None
    project_id: int | None
    project_name: str | None
    organization: str | None


async def entries(connection: AsyncConnection) -> AsyncIterator[CatalogEntry]:
    """Yield all tasks, then all projects."""
    of_tasks = (
        sa.select(tasks.c.id, tasks.c.name, projects.c.id, projects.c.name, organizations.c.slug)
        .outerjoin(projects, projects.c.id == tasks.c.project_id)
        .outerjoin(organizations, organizations.c.id == tasks.c.organization_id)
    )
    nothing = (sa.cast(sa.null(), sa.BigInteger), sa.cast(sa.null(), sa.Text))
    of_projects = sa.select(*nothing, projects.c.id, projects.c.name, organizations.c.slug).outerjoin(
        organizations, organizations.c.id == projects.c.organization_id
    )
    for statement in (of_tasks, of_projects):
        async for row in await connection.stream(statement):
            yield CatalogEntry(*row)


async def existing_tasks(connection: AsyncConnection, task_ids: Sequence[int]) -> set[int]:
    """Return which of these tasks are there."""
    wanted = sa.cast(list(task_ids), sa.ARRAY(sa.BigInteger))
    return set((await connection.execute(sa.select(tasks.c.id).where(tasks.c.id == sa.any_(wanted)))).scalars())
