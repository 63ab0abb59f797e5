"""Jobs as they are listed and shown: one statement with all that the answer needs."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.visibility import Columns as VisibilityColumns
from limner_api.jobs.tables import jobs
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import JOBS
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_api.users.people import assignee, person_columns, render_person
from limner_common.clock import json_date
from limner_common.db import Row
from limner_common.errors import NotFound

_replica = jobs.alias("replica")
_replica_count = sa.select(sa.func.count()).where(_replica.c.parent_job_id == jobs.c.id).scalar_subquery()
organization = sa.func.coalesce(projects.c.organization_id, tasks.c.organization_id)

visibility = VisibilityColumns(
    organization=organization,
    people=(
        jobs.c.assignee_id,
        tasks.c.owner_id,
        tasks.c.assignee_id,
        projects.c.owner_id,
        projects.c.assignee_id,
    ),
    crowd=(jobs.c.assignee_id,),
)
listing = ListSource(
    spec=JOBS,
    source=jobs.join(tasks, tasks.c.id == jobs.c.task_id)
    .outerjoin(projects, projects.c.id == tasks.c.project_id)
    .outerjoin(assignee, assignee.c.id == jobs.c.assignee_id),
    id_column=jobs.c.id,
    columns={
        "id": jobs.c.id,
        "assignee": assignee.c.username,
        "stage": jobs.c.stage,
        "state": jobs.c.state,
        "type": jobs.c.type,
        "mode": tasks.c.mode,
        "dimension": tasks.c.dimension,
        "media_type": tasks.c.media_type,
        "parent_job_id": jobs.c.parent_job_id,
        "task_id": jobs.c.task_id,
        "task_name": tasks.c.name,
        "project_id": tasks.c.project_id,
        "project_name": projects.c.name,
        "updated_date": jobs.c.updated_at,
    },
    selected=[
        *(column for column in jobs.c if column.name != "assignee_id"),
        tasks.c.name.label("task_name"),
        tasks.c.project_id,
        projects.c.name.label("project_name"),
        tasks.c.dimension,
        tasks.c.media_type,
        tasks.c.mode,
        sa.func.coalesce(sa.func.nullif(tasks.c.bug_tracker, ""), projects.c.bug_tracker).label("bug_tracker"),
        tasks.c.chunk_size,
        tasks.c.compressed_chunk_type,
        tasks.c.original_chunk_type,
        tasks.c.source_storage,
        tasks.c.target_storage,
        organization.label("organization_id"),
        *person_columns(assignee, "assignee"),
        _replica_count.label("replicas_count"),
    ],
)


async def find_shown(connection: AsyncConnection, job_id: int) -> Row:
    """Return a job's row with all that ``render_job`` reads; raises NotFound."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(jobs.c.id == job_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return row


def render_job(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form of a job. Storages and bug tracker are the task's; its project's bug tracker stands in."""
    return {
        "url": f"{base_url}/api/jobs/{row.id}",
        "id": row.id,
        "task_id": row.task_id,
        "task_name": row.task_name,
        "project_id": row.project_id,
        "project_name": row.project_name,
        "assignee": render_person(row, "assignee", base_url),
        "guide_id": None,
        "dimension": row.dimension,
        "media_type": row.media_type,
        "bug_tracker": row.bug_tracker,
        "status": row.status,
        "stage": row.stage,
        "state": row.state,
        "mode": row.mode,
        "frame_count": row.frame_count,
        "start_frame": row.start_frame,
        "stop_frame": row.stop_frame,
        "data_chunk_size": row.chunk_size,
        "data_compressed_chunk_type": row.compressed_chunk_type,
        "data_original_chunk_type": row.original_chunk_type,
        "created_date": json_date(row.created_at),
        "updated_date": json_date(row.updated_at),
        "issues": {"url": f"{base_url}/api/issues?job_id={row.id}", "count": 0},
        "labels": {"url": f"{base_url}/api/labels?job_id={row.id}"},
        "type": row.type,
        "organization": row.organization_id,
        "target_storage": row.target_storage,
        "source_storage": row.source_storage,
        "assignee_updated_date": json_date(row.assignee_updated_at) if row.assignee_updated_at else None,
        "parent_job_id": row.parent_job_id,
        "replicas_count": row.replicas_count,
    }
