"""SQL of invitations."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.invitations.listing import listing
from limner_api.invitations.tables import invitations
from limner_common.db import Row, UnitOfWork


async def find(connection: AsyncConnection, key: str) -> Row | None:
    """Return what is shown of an invitation, or None."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(invitations.c.key == key)
    return (await connection.execute(statement)).one_or_none()


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Insert an invitation."""
    await uow.execute(sa.insert(invitations).values(**values))


async def renew(uow: UnitOfWork, key: str) -> None:
    """Let the time to accept begin anew."""
    await uow.execute(sa.update(invitations).where(invitations.c.key == key).values(sent_at=sa.func.clock_timestamp()))


async def remove(uow: UnitOfWork, key: str) -> None:
    """Delete an invitation; its membership stays."""
    await uow.execute(sa.delete(invitations).where(invitations.c.key == key))
