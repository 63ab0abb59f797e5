"""Keeps objects from being removed while somebody copies the installation.

Removing what nobody needs can always wait. Whoever copies holds a lock of the database, shared, on a connection of his own;
whoever removes looks whether it is held. When the holder dies, so does his hold.
"""

from typing import Any

import asyncpg
import sqlalchemy as sa

from limner_common.db.engine import Database

_NAME = "limner:removals"


async def hold_removals(connection: "asyncpg.Connection[Any]") -> None:
    """Let nothing begin to be removed until the connection closes."""
    await connection.execute("SELECT pg_advisory_lock_shared(hashtextextended($1, 0))", _NAME)


async def are_removals_held(database: Database) -> bool:
    """Return whether removing has to wait."""
    trying = sa.select(sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(_NAME, 0)))
    async with database.read() as connection:
        return not await connection.scalar(trying)
