"""Projects as they are listed and shown: one statement with all that the answer needs."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.visibility import Columns as VisibilityColumns
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import PROJECTS
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_api.users.people import assignee, owner, person_columns, render_person
from limner_common.clock import json_date
from limner_common.db import Row
from limner_common.errors import NotFound

_of_project = tasks.c.project_id == projects.c.id
_task_count = sa.select(sa.func.count()).where(_of_project).scalar_subquery()
_dimension = (
    sa.select(tasks.c.dimension)
    .where(_of_project, tasks.c.data_ready_at.is_not(None))
    .order_by(tasks.c.id)
    .limit(1)
    .scalar_subquery()
)
_subsets = (
    sa.select(sa.func.coalesce(sa.func.array_agg(sa.distinct(tasks.c.subset)), pg.array([], type_=sa.Text)))
    .where(_of_project, tasks.c.subset != "")
    .scalar_subquery()
)

visibility = VisibilityColumns(organization=projects.c.organization_id, people=(projects.c.owner_id, projects.c.assignee_id))
listing = ListSource(
    spec=PROJECTS,
    source=projects.outerjoin(owner, owner.c.id == projects.c.owner_id).outerjoin(
        assignee, assignee.c.id == projects.c.assignee_id
    ),
    id_column=projects.c.id,
    columns={
        "id": projects.c.id,
        "name": projects.c.name,
        "owner": owner.c.username,
        "assignee": assignee.c.username,
        "status": projects.c.status,
        "updated_date": projects.c.updated_at,
    },
    selected=[
        *(column for column in projects.c if column.name not in ("owner_id", "assignee_id")),
        *person_columns(owner, "owner"),
        *person_columns(assignee, "assignee"),
        _task_count.label("task_count"),
        _dimension.label("dimension"),
        _subsets.label("task_subsets"),
    ],
)


async def find_shown(connection: AsyncConnection, project_id: int) -> Row:
    """Return a project's row with all that ``render_project`` reads; raises NotFound."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(projects.c.id == project_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return row


def render_project(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form of a project."""
    return {
        "url": f"{base_url}/api/projects/{row.id}",
        "id": row.id,
        "name": row.name,
        "owner": render_person(row, "owner", base_url),
        "assignee": render_person(row, "assignee", base_url),
        "guide_id": None,
        "bug_tracker": row.bug_tracker,
        "task_subsets": sorted(row.task_subsets),
        "created_date": json_date(row.created_at),
        "updated_date": json_date(row.updated_at),
        "status": row.status,
        "dimension": row.dimension,
        "organization": row.organization_id,
        "organization_id": row.organization_id,
        "target_storage": row.target_storage,
        "source_storage": row.source_storage,
        "tasks": {"count": row.task_count, "url": f"{base_url}/api/tasks?project_id={row.id}"},
        "labels": {"url": f"{base_url}/api/labels?project_id={row.id}"},
        "assignee_updated_date": json_date(row.assignee_updated_at) if row.assignee_updated_at else None,
    }
