"""Statements on what is left behind."""

import sqlalchemy as sa

from limner_common.db import Database, UnitOfWork
from limner_media.tables import uploads as upload_tables


async def delete_upload_rows(uow: UnitOfWork, scope_prefix: str) -> None:
    """Forget all uploads of the scopes that start so."""
    table = upload_tables.uploads
    await uow.execute(sa.delete(table).where(table.c.scope.startswith(scope_prefix, autoescape=True)))


async def ended_owners(database: Database) -> list[str]:
    """Return the work items that own uploads although they are neither queued nor running."""
    table, items = upload_tables.uploads, database.table("work_items")
    is_active = sa.exists().where(items.c.id == table.c.claimed_by, items.c.state.in_(["queued", "running"]))
    statement = sa.select(table.c.claimed_by).distinct().where(table.c.claimed_by.is_not(None), ~is_active)
    async with database.read() as connection:
        return [str(owner) for owner in (await connection.execute(statement)).scalars()]
