"""SQL of organizations."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.organizations.tables import organizations


async def find_id(connection: AsyncConnection, *, slug: str | None, organization_id: int | None) -> int | None:
    """Return the id of the organization of that slug or id, or None."""
    condition = organizations.c.slug == slug if slug is not None else organizations.c.id == organization_id
    found: int | None = await connection.scalar(sa.select(organizations.c.id).where(condition))
    return found
