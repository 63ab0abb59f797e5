"""SQL of memberships."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.memberships.listing import listing
from limner_api.memberships.tables import memberships
from limner_common.db import Row, UnitOfWork


async def find(connection: AsyncConnection, membership_id: int) -> Row | None:
    """Return what is shown of a membership, or None."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(memberships.c.id == membership_id)
    return (await connection.execute(statement)).one_or_none()


async def exists(connection: AsyncConnection, organization_id: int, user_id: int) -> bool:
    """Return whether a user has a membership, active or not."""
    found = sa.exists().where(memberships.c.organization_id == organization_id, memberships.c.user_id == user_id)
    return bool(await connection.scalar(sa.select(found)))


async def add(uow: UnitOfWork, values: dict[str, Any]) -> int:
    """Insert a membership and return its id."""
    return int(await uow.scalar(sa.insert(memberships).values(**values).returning(memberships.c.id)))


async def update(uow: UnitOfWork, membership_id: int, values: dict[str, Any]) -> None:
    """Change a membership."""
    await uow.execute(sa.update(memberships).where(memberships.c.id == membership_id).values(**values))


async def remove(uow: UnitOfWork, membership_id: int) -> None:
    """Delete a membership and its invitation."""
    await uow.execute(sa.delete(memberships).where(memberships.c.id == membership_id))
