"""Statements on uploads."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.clock import utc_now
from limner_common.db.engine import Row
from limner_common.db.uow import UnitOfWork
from limner_common.uploads.names import free_name
from limner_common.uploads.tables import UploadTables
from limner_common.uploads.values import Upload

_RENAMING_TRIES = 8


class UploadRepository:
    """Rows of uploads and their parts."""

    def __init__(self, tables: UploadTables) -> None:
        self._uploads = tables.uploads
        self._parts = tables.parts

    async def insert(self, uow: UnitOfWork, row: dict[str, Any]) -> Upload:
        """Insert a file under its name, or the next free one when that is taken."""
        table = self._uploads
        wanted = row["name"]
        for _ in range(_RENAMING_TRIES):
            name = free_name(wanted, await self.names(uow, row["scope"], like=wanted))
            statement = pg.insert(table).values({**row, "name": name}).on_conflict_do_nothing().returning(table)
            inserted = (await uow.execute(statement)).one_or_none()
            if inserted is not None:
                return to_upload(inserted)
        raise AssertionError("an upload's name could not be settled")

    async def insert_all(self, uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows whose names are known to be free, in order."""
        if rows:
            await uow.execute(sa.insert(self._uploads), list(rows))

    async def lock_scope(self, uow: UnitOfWork, scope: str) -> None:
        """Wait until no other transaction names files of this scope."""
        await uow.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"upload:{scope}", 0))))

    async def names(self, uow: UnitOfWork, scope: str, *, like: str | None = None) -> set[str]:
        """Return the names taken in a scope; with ``like`` only those that could collide with its renamings."""
        table = self._uploads
        statement = sa.select(table.c.name).where(table.c.scope == scope, table.c.name.is_not(None))
        if like is not None:
            statement = statement.where(table.c.name.startswith(like.rpartition(".")[0] or like, autoescape=True))
        return set((await uow.execute(statement)).scalars())

    async def get(self, connection: AsyncConnection, scope: str, upload_id: str) -> Upload | None:
        """Return a file of a scope."""
        table = self._uploads
        statement = sa.select(table).where(table.c.id == upload_id, table.c.scope == scope, table.c.name.is_not(None))
        row = (await connection.execute(statement)).one_or_none()
        return None if row is None else to_upload(row)

    async def in_scope(self, connection: AsyncConnection, scope: str) -> list[Upload]:
        """Return the unclaimed files of a scope in the order they were announced."""
        table = self._uploads
        statement = (
            sa.select(table)
            .where(table.c.scope == scope, table.c.claimed_by.is_(None), table.c.name.is_not(None))
            .order_by(table.c.position)
        )
        return [to_upload(row) for row in await connection.execute(statement)]

    async def claimed(self, connection: AsyncConnection, work_id: str) -> list[Upload]:
        """Return the files that a piece of work owns, in the order they were announced."""
        table = self._uploads
        statement = sa.select(table).where(table.c.claimed_by == work_id).order_by(table.c.position)
        return [to_upload(row) for row in await connection.execute(statement)]

    async def claim(self, uow: UnitOfWork, ids: Sequence[str], work_id: str) -> None:
        """Give files to a piece of work."""
        table = self._uploads
        await uow.execute(sa.update(table).where(_is_one_of(table.c.id, ids)).values(claimed_by=work_id))

    async def advance(self, uow: UnitOfWork, upload: Upload, key: str, size_bytes: int) -> bool:
        """Note a part that starts where the file stood; False when the file stands elsewhere by now."""
        table = self._uploads
        statement = (
            sa.update(table)
            .where(table.c.id == upload.id, table.c.offset_bytes == upload.offset_bytes, ~table.c.is_complete)
            .values(offset_bytes=upload.offset_bytes + size_bytes, touched_at=utc_now())
        )
        if (await uow.execute(statement)).rowcount == 0:
            return False
        values = {"upload_id": upload.id, "start_bytes": upload.offset_bytes, "key": key}
        await uow.execute(sa.insert(self._parts).values(values))
        return True

    async def part_keys(self, connection: AsyncConnection, upload_id: str) -> list[str]:
        """Return the objects of a file's parts in order."""
        parts = self._parts
        statement = sa.select(parts.c.key).where(parts.c.upload_id == upload_id).order_by(parts.c.start_bytes)
        return list((await connection.execute(statement)).scalars())

    async def complete(self, uow: UnitOfWork, upload_id: str) -> None:
        """Note that the whole file is one object now."""
        table, parts = self._uploads, self._parts
        await uow.execute(sa.update(table).where(table.c.id == upload_id).values(is_complete=True, touched_at=utc_now()))
        await uow.execute(sa.delete(parts).where(parts.c.upload_id == upload_id))

    async def delete(self, uow: UnitOfWork, ids: Sequence[str]) -> None:
        """Forget files."""
        await uow.execute(sa.delete(self._uploads).where(_is_one_of(self._uploads.c.id, ids)))

    async def abandoned(self, connection: AsyncConnection, older_than: timedelta, limit: int) -> list[Upload]:
        """Return unclaimed files, and bodies being received, that nobody touched for so long."""
        table = self._uploads
        cutoff: datetime = utc_now() - older_than
        statement = (
            sa.select(table)
            .where(table.c.claimed_by.is_(None), table.c.touched_at < cutoff)
            .order_by(table.c.touched_at)
            .limit(limit)
        )
        return [to_upload(row) for row in await connection.execute(statement)]


def upload_references(tables: UploadTables) -> sa.Select[str, bool, str]:
    """Return the statement of the objects that uploads own: key, whether it is what keys start with, and scope.

    The parts of an unfinished file, and the files of a body being received, have keys that start with the row's.
    """
    table = tables.uploads
    return sa.select(table.c.key, sa.not_(table.c.is_complete).label("is_prefix"), table.c.scope)


async def ownerless(
    connection: AsyncConnection, tables: UploadTables, items: sa.Table, older_than: timedelta
) -> list[Upload]:
    """Return files that nobody touched for so long and nobody will: unclaimed ones, and those of work that has ended.

    Args:
        connection: Where to read.
        tables: From ``upload_tables``.
        items: Work items of the same service.
        older_than: How long.
    """
    table = tables.uploads
    is_active = sa.exists().where(items.c.id == table.c.claimed_by, items.c.state.in_(["queued", "running"]))
    statement = (
        sa.select(table)
        .where(table.c.touched_at < utc_now() - older_than, sa.or_(table.c.claimed_by.is_(None), ~is_active))
        .order_by(table.c.touched_at)
    )
    return [to_upload(row) for row in await connection.execute(statement)]


def _is_one_of(column: sa.Column[str], ids: Sequence[str]) -> sa.ColumnElement[bool]:
    # One array instead of a parameter per id: hundreds of files are common.
    return column == sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Text)))


def to_upload(row: Row) -> Upload:
    """Return a row as a value."""
    return Upload(
        id=row.id,
        scope=row.scope,
        user_id=row.user_id,
        name=row.name or "",
        length_bytes=row.length_bytes,
        offset_bytes=row.offset_bytes,
        key=row.key,
        is_complete=row.is_complete,
        position=row.position,
    )
