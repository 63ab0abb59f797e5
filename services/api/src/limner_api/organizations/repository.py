"""SQL of organizations."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.organizations.listing import listing
from limner_api.organizations.tables import organizations
from limner_common.db import Row, UnitOfWork


async def find(connection: AsyncConnection, organization_id: int) -> Row | None:
    """Return what is shown of an organization, or None."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(organizations.c.id == organization_id)
    return (await connection.execute(statement)).one_or_none()


async def has_slug(connection: AsyncConnection, slug: str) -> bool:
    """Return whether an organization has this short name."""
    return bool(await connection.scalar(sa.select(sa.exists().where(organizations.c.slug == slug))))


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Insert an organization and return its id."""
    return int(await uow.scalar(sa.insert(organizations).values(**values).returning(organizations.c.id)))


async def update(uow: UnitOfWork, organization_id: int, values: Mapping[str, Any]) -> None:
    """Change an organization."""
    changed = {**values, "updated_at": sa.func.clock_timestamp()}
    await uow.execute(sa.update(organizations).where(organizations.c.id == organization_id).values(**changed))


async def remove(uow: UnitOfWork, organization_id: int) -> None:
    """Delete an organization with its memberships and invitations."""
    await uow.execute(sa.delete(organizations).where(organizations.c.id == organization_id))
