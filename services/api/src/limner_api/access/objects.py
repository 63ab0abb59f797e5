"""Projects, tasks and jobs as access control sees them: one prepared statement each, run with every request on them."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.principals import ObjectFacts, Relation
from limner_api.identity.authentication import Authenticated
from limner_common.db.engine import driver_connection
from limner_common.errors import NotFound

_TASK_COLUMNS = """
    t.id AS task_id, t.project_id, coalesce(p.organization_id, t.organization_id) AS organization_id, t.dimension,
    t.facts_version, coalesce(p.facts_version, 0) AS project_version, t.data_ready_at IS NOT NULL AS has_data,
    t.owner_id AS task_owner, t.assignee_id AS task_assignee, p.owner_id AS project_owner, p.assignee_id AS project_assignee
"""
_TASK_SQL = f"""
    SELECT {_TASK_COLUMNS}, NULL AS job_id, NULL AS job_assignee
    FROM api.tasks t LEFT JOIN api.projects p ON p.id = t.project_id WHERE t.id = $1
"""  # noqa: S608 constants only
_JOB_SQL = f"""
    SELECT {_TASK_COLUMNS}, j.id AS job_id, j.assignee_id AS job_assignee
    FROM api.jobs j JOIN api.tasks t ON t.id = j.task_id LEFT JOIN api.projects p ON p.id = t.project_id WHERE j.id = $1
"""  # noqa: S608 constants only
_PROJECT_SQL = """
    SELECT NULL AS task_id, p.id AS project_id, p.organization_id, '2d' AS dimension, 0 AS facts_version,
        p.facts_version AS project_version, false AS has_data, NULL AS task_owner, NULL AS task_assignee,
        p.owner_id AS project_owner, p.assignee_id AS project_assignee, NULL AS job_id, NULL AS job_assignee
    FROM api.projects p WHERE p.id = $1
"""
_RELATIONS = {
    "project_owner": Relation.PROJECT_OWNER,
    "project_assignee": Relation.PROJECT_ASSIGNEE,
    "task_owner": Relation.TASK_OWNER,
    "task_assignee": Relation.TASK_ASSIGNEE,
    "job_assignee": Relation.JOB_ASSIGNEE,
}
_MAX_ID = 2**63 - 1

#: A connection of the pool, or the driver's own, which costs less to lend for this alone.
AnyConnection: TypeAlias = "AsyncConnection | asyncpg.Connection[Any]"


@dataclass(frozen=True, slots=True)
class AccessedObject:
    """A project, task or job somebody asks for.

    Attributes:
        project_id: Project, or the project of the task.
        task_id: Task, or the task of the job.
        job_id: Job.
        organization_id: Organization it lies in; the project's goes before the task's.
        version: Version of its facts, for grants.
        dimension: 2d or 3d.
        has_data: Whether the task's frames can be read.
        facts: What the policies look at.
    """

    project_id: int | None
    task_id: int | None
    job_id: int | None
    organization_id: int | None
    version: str
    dimension: str
    has_data: bool
    facts: ObjectFacts


async def find_project(connection: AnyConnection, who: Authenticated, project_id: int) -> AccessedObject:
    """Return a project as the caller stands to it; raises NotFound."""
    return await _find(connection, _PROJECT_SQL, who, project_id)


async def find_task(connection: AnyConnection, who: Authenticated, task_id: int) -> AccessedObject:
    """Return a task as the caller stands to it; raises NotFound."""
    return await _find(connection, _TASK_SQL, who, task_id)


async def find_job(connection: AnyConnection, who: Authenticated, job_id: int) -> AccessedObject:
    """Return a job as the caller stands to it; raises NotFound."""
    return await _find(connection, _JOB_SQL, who, job_id)


async def _find(connection: AnyConnection, sql: str, who: Authenticated, object_id: int) -> AccessedObject:
    driver = await driver_connection(connection) if isinstance(connection, AsyncConnection) else connection
    row = await driver.fetchrow(sql, object_id) if 0 < object_id <= _MAX_ID else None
    if row is None:
        raise NotFound
    return _accessed(row, who)


def _accessed(row: asyncpg.Record, who: Authenticated) -> AccessedObject:
    me = who.principal.user_id
    relations = frozenset(relation for column, relation in _RELATIONS.items() if me is not None and row[column] == me)
    return AccessedObject(
        project_id=row["project_id"],
        task_id=row["task_id"],
        job_id=row["job_id"],
        organization_id=row["organization_id"],
        version=f"{row['facts_version']}.{row['project_version']}",
        dimension=row["dimension"],
        has_data=row["has_data"],
        facts=ObjectFacts(row["organization_id"], who.role_in(row["organization_id"]), relations),
    )
