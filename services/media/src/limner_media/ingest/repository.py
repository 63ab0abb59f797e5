"""Statements on the work items of ingests."""

import sqlalchemy as sa

from limner_common.db import Database
from limner_common.db.engine import Row

_ACTIVE = ("queued", "running")


async def active_ingest(database: Database, dedupe_key: str) -> str | None:
    """Return the id of the queued or running ingest with this key."""
    items = database.table("work_items")
    statement = sa.select(items.c.id).where(items.c.dedupe_key == dedupe_key, items.c.state.in_(_ACTIVE))
    async with database.read() as connection:
        found: str | None = await connection.scalar(statement)
    return found


async def latest_ingest(database: Database, kind: str, dedupe_key: str) -> Row | None:
    """Return state, progress and message of the ingest with this key that was asked for last."""
    items = database.table("work_items")
    statement = (
        sa.select(items.c.state, items.c.progress, items.c.message)
        .where(items.c.kind == kind, items.c.dedupe_key == dedupe_key)
        .order_by(items.c.created_at.desc())
        .limit(1)
    )
    async with database.read() as connection:
        return (await connection.execute(statement)).one_or_none()
