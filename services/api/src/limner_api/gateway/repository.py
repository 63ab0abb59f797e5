"""SQL that follows a forwarded write."""

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.objects import AccessedObject
from limner_common.db.engine import driver_connection

# One statement, so that the dates of a job, its task and its project move together.
_TOUCH = """
    WITH job AS (UPDATE api.jobs SET updated_at = now() WHERE id = $1),
    task AS (UPDATE api.tasks SET updated_at = now() WHERE id = $2)
    UPDATE api.projects SET updated_at = now() WHERE id = $3
"""


async def touch(connection: AsyncConnection, accessed: AccessedObject) -> None:
    """Move the dates of a job, its task and its project to now."""
    driver = await driver_connection(connection)
    await driver.execute(_TOUCH, accessed.job_id, accessed.task_id, accessed.project_id)
