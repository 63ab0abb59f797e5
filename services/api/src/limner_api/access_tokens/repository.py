"""SQL of access tokens."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access_tokens.listing import listing
from limner_api.access_tokens.tables import access_tokens
from limner_common.db import Row, UnitOfWork


async def find(connection: AsyncConnection, token_id: int) -> Row | None:
    """Return what is shown of a token, or None."""
    statement = sa.select(*listing.selected).select_from(listing.source).where(access_tokens.c.id == token_id)
    return (await connection.execute(statement)).one_or_none()


async def lock_and_count(uow: UnitOfWork, user_id: int) -> int:
    """Return how many tokens a user has; nobody else adds one until the unit of work ends."""
    await uow.execute(sa.text("SELECT 1 FROM api.users WHERE id = :id FOR UPDATE"), {"id": user_id})
    counting = sa.select(sa.func.count()).where(access_tokens.c.user_id == user_id)
    return int(await uow.scalar(counting))


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> int:
    """Insert a token and return its id."""
    return int(await uow.scalar(sa.insert(access_tokens).values(**values).returning(access_tokens.c.id)))


async def update(uow: UnitOfWork, token_id: int, values: Mapping[str, Any]) -> None:
    """Change a token."""
    changed = {**values, "updated_at": sa.func.clock_timestamp()}
    await uow.execute(sa.update(access_tokens).where(access_tokens.c.id == token_id).values(**changed))


async def remove(uow: UnitOfWork, token_id: int) -> None:
    """Revoke a token."""
    await uow.execute(sa.delete(access_tokens).where(access_tokens.c.id == token_id))


async def remove_all(uow: UnitOfWork, user_id: int) -> int:
    """Revoke all tokens of a user; returns how many."""
    return (await uow.execute(sa.delete(access_tokens).where(access_tokens.c.user_id == user_id))).rowcount
