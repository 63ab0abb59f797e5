"""SQL that follows a forwarded write."""

from typing import Any

import asyncpg

from limner_api.access.objects import AccessedObject

# One statement, so that the dates of a job, its task and its project move together. Each part looks at the one before, which
# makes PostgreSQL lock the rows in the order all others do: project, task, job.
_TOUCH = """
    WITH project AS (UPDATE api.projects SET updated_at = now() WHERE id = $3 RETURNING id),
    task AS (
        UPDATE api.tasks SET updated_at = now() WHERE id = $2 AND (SELECT count(*) FROM project) >= 0 RETURNING id
    )
    UPDATE api.jobs SET updated_at = now() WHERE id = $1 AND (SELECT count(*) FROM task) >= 0
"""


async def touch(connection: "asyncpg.Connection[Any]", accessed: AccessedObject) -> None:
    """Move the dates of a job, its task and its project to now."""
    await connection.execute(_TOUCH, accessed.job_id, accessed.task_id, accessed.project_id)
