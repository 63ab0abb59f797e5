"""What other services are told about tasks and projects."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from limner_api.access.dependencies import Reading
from limner_api.jobs.tables import jobs
from limner_api.labels.facts import load_labels
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_api.users.tables import users
from limner_common.clock import wire_date
from limner_common.db import Row
from limner_common.errors import NotFound
from limner_common.http.granted import ServiceGranted
from limner_model.facts import JobFacts, PersonFacts, ProjectFacts, TaskFacts

router = APIRouter(prefix="/internal", include_in_schema=False)


@router.get("/tasks/{task_id}")
async def task_facts(task_id: int, _grant: ServiceGranted, reading: Reading) -> Response:
    """Answer a task's facts at their present version."""
    row = await _task(reading, task_id)
    labels = await load_labels(reading, project_id=row.project_id, task_id=None if row.project_id else task_id)
    people = await _people(reading, [row.owner_id, row.assignee_id])
    facts = TaskFacts(
        id=row.id,
        version=f"{row.facts_version}.{row.project_version or 0}",
        name=row.name,
        project_id=row.project_id,
        project_name=row.project_name,
        organization_id=row.organization_id if row.project_id is None else row.project_organization,
        subset=row.subset,
        mode=row.mode,
        dimension=row.dimension,
        size=row.size,
        overlap=row.overlap or 0,
        segment_size=row.segment_size,
        bug_tracker=row.bug_tracker,
        created_date=wire_date(row.created_at),
        updated_date=wire_date(row.updated_at),
        owner=people.get(row.owner_id),
        assignee=people.get(row.assignee_id),
        labels=labels,
        jobs=await _jobs(reading, task_id),
    )
    return _answer(facts)


@router.get("/projects/{project_id}")
async def project_facts(project_id: int, _grant: ServiceGranted, reading: Reading) -> Response:
    """Answer a project's facts at their present version."""
    row = (await reading.execute(sa.select(projects).where(projects.c.id == project_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no project {project_id}.")
    ids = sa.select(tasks.c.id).where(tasks.c.project_id == project_id).order_by(tasks.c.subset, tasks.c.id)
    people = await _people(reading, [row.owner_id, row.assignee_id])
    facts = ProjectFacts(
        id=row.id,
        version=str(row.facts_version),
        name=row.name,
        organization_id=row.organization_id,
        bug_tracker=row.bug_tracker,
        created_date=wire_date(row.created_at),
        updated_date=wire_date(row.updated_at),
        owner=people.get(row.owner_id),
        assignee=people.get(row.assignee_id),
        labels=await load_labels(reading, project_id=project_id, task_id=None),
        task_ids=list((await reading.scalars(ids)).all()),
    )
    return _answer(facts)


async def _task(connection: AsyncConnection, task_id: int) -> Row:
    statement = (
        sa.select(
            tasks,
            projects.c.facts_version.label("project_version"),
            projects.c.name.label("project_name"),
            projects.c.organization_id.label("project_organization"),
        )
        .select_from(tasks.outerjoin(projects))
        .where(tasks.c.id == task_id)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"There is no task {task_id}.")
    return row


async def _jobs(connection: AsyncConnection, task_id: int) -> list[JobFacts]:
    statement = (
        sa.select(jobs, users.c.username)
        .select_from(jobs.outerjoin(users, users.c.id == jobs.c.assignee_id))
        .where(jobs.c.task_id == task_id)
        .order_by(jobs.c.id)
    )
    return [
        JobFacts(
            id=row.id,
            type=row.type,
            start_frame=row.start_frame,
            stop_frame=row.stop_frame,
            frames=row.frames,
            parent_job_id=row.parent_job_id,
            assignee=row.username,
        )
        for row in await connection.execute(statement)
    ]


async def _people(connection: AsyncConnection, ids: Sequence[int | None]) -> dict[int | None, PersonFacts]:
    known = sorted({person for person in ids if person is not None})
    if not known:
        return {}
    statement = sa.select(users.c.id, users.c.username, users.c.email).where(users.c.id.in_(known))
    return {
        row.id: PersonFacts(id=row.id, username=row.username, email=row.email or "")
        for row in await connection.execute(statement)
    }


def _answer(facts: TaskFacts | ProjectFacts) -> Response:
    return Response(msgspec.json.encode(facts), media_type="application/json")
