"""Tasks as they are listed and shown: one statement with all that the answer needs."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.visibility import Columns as VisibilityColumns
from limner_api.jobs.tables import jobs
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import TASKS
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_api.users.people import assignee, owner, person_columns, render_person
from limner_common.clock import json_date
from limner_common.db import Row
from limner_common.errors import NotFound


def _job_count(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    return sa.select(sa.func.count()).where(jobs.c.task_id == tasks.c.id, *conditions).scalar_subquery()


_source = (
    tasks.outerjoin(projects, projects.c.id == tasks.c.project_id)
    .outerjoin(owner, owner.c.id == tasks.c.owner_id)
    .outerjoin(assignee, assignee.c.id == tasks.c.assignee_id)
)
organization = sa.func.coalesce(projects.c.organization_id, tasks.c.organization_id)

visibility = VisibilityColumns(
    organization=organization,
    people=(tasks.c.owner_id, tasks.c.assignee_id, projects.c.owner_id, projects.c.assignee_id),
)
_own_columns = [column for column in tasks.c if column.name not in ("owner_id", "assignee_id", "organization_id")]
listing = ListSource(
    spec=TASKS,
    source=_source,
    id_column=tasks.c.id,
    columns={
        "id": tasks.c.id,
        "name": tasks.c.name,
        "owner": owner.c.username,
        "assignee": assignee.c.username,
        "status": tasks.c.status,
        "subset": tasks.c.subset,
        "mode": tasks.c.mode,
        "dimension": tasks.c.dimension,
        "media_type": tasks.c.media_type,
        "validation_mode": tasks.c.validation_mode,
        "project_id": tasks.c.project_id,
        "project_name": projects.c.name,
        "tracker_link": tasks.c.bug_tracker,
        "created_date": tasks.c.created_at,
        "updated_date": tasks.c.updated_at,
    },
    selected=[
        *_own_columns,
        organization.label("organization_id"),
        projects.c.name.label("project_name"),
        *person_columns(owner, "owner"),
        *person_columns(assignee, "assignee"),
        _job_count().label("job_count"),
        _job_count(jobs.c.stage == "acceptance", jobs.c.state == "completed").label("completed_job_count"),
        _job_count(jobs.c.stage == "validation").label("validation_job_count"),
    ],
)


async def find_shown(connection: AsyncConnection, task_id: int) -> Row:
    """Return a task's row with all that ``render_task`` reads; raises NotFound."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(tasks.c.id == task_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return row


def render_task(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form of a task. What comes with data is left out until they are ready, as clients expect."""
    data = {
        "data_chunk_size": row.chunk_size,
        "data_original_chunk_type": row.original_chunk_type,
        "data_compressed_chunk_type": row.compressed_chunk_type,
        "data": row.id,
        "image_quality": row.image_quality,
    }
    return {
        "url": f"{base_url}/api/tasks/{row.id}",
        "id": row.id,
        "name": row.name,
        "project_id": row.project_id,
        "project_name": row.project_name,
        "mode": row.mode,
        "owner": render_person(row, "owner", base_url),
        "assignee": render_person(row, "assignee", base_url),
        "bug_tracker": row.bug_tracker,
        "created_date": json_date(row.created_at),
        "updated_date": json_date(row.updated_at),
        "overlap": row.overlap,
        "segment_size": row.segment_size,
        "status": row.status,
        "size": row.size,
        **(data if row.data_ready_at is not None else {}),
        "subset": row.subset,
        "dimension": row.dimension,
        "media_type": row.media_type,
        "organization": row.organization_id,
        "organization_id": row.organization_id,
        "target_storage": row.target_storage,
        "source_storage": row.source_storage,
        "jobs": {
            "count": row.job_count,
            "completed": row.completed_job_count,
            "validation": row.validation_job_count,
            "url": f"{base_url}/api/jobs?task_id={row.id}",
        },
        "labels": {"url": f"{base_url}/api/labels?task_id={row.id}"},
        "guide_id": None,
        "assignee_updated_date": json_date(row.assignee_updated_at) if row.assignee_updated_at else None,
        "validation_mode": row.validation_mode,
        "initial_replicas": row.initial_replicas,
        "data_cloud_storage_id": None,
    }
