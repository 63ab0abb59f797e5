"""Organizations as requests name them: one statement."""

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.db.engine import driver_connection

_BY_SLUG = "SELECT id FROM api.organizations WHERE slug = $1"
_BY_ID = "SELECT id FROM api.organizations WHERE id = $1"


async def find_organization_id(
    connection: AsyncConnection, *, slug: str | None = None, organization_id: int | None = None
) -> int | None:
    """Return the id of the organization of that slug, or else of that id; None when there is none."""
    driver = await driver_connection(connection)
    found: int | None = await (driver.fetchval(_BY_ID, organization_id) if slug is None else driver.fetchval(_BY_SLUG, slug))
    return found
