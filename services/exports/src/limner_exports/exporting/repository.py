"""Statements on results of exports."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.clock import utc_now
from limner_common.db import Row, UnitOfWork
from limner_exports.exporting.tables import acknowledgements, latest, results


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An archive in the store, and until when it stays there."""

    object_key: str
    size_bytes: int
    sha256: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """The file of a finished export."""

    request_id: str
    owner_id: int
    file_name: str
    file: StoredFile
    created_at: datetime


async def add(uow: UnitOfWork, request_id: str, file: StoredFile, values: dict[str, Any]) -> None:
    """Store the result of a request."""
    row = {
        "request_id": request_id,
        "object_key": file.object_key,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "expires_at": file.expires_at,
        **values,
    }
    await uow.execute(sa.insert(results).values(row))


async def find(connection: AsyncConnection, request_id: str) -> Result | None:
    """Return the result of a request that has not expired."""
    statement = sa.select(results).where(results.c.request_id == request_id, results.c.expires_at > utc_now())
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _result(row)


async def find_same(connection: AsyncConnection, cache_key: str, *, valid_for: timedelta) -> StoredFile | None:
    """Return a file of the same bytes that stays for a while."""
    statement = (
        sa.select(results)
        .where(results.c.cache_key == cache_key, results.c.expires_at > utc_now() + valid_for)
        .order_by(results.c.expires_at.desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _file(row)


async def expire(uow: UnitOfWork, *, project_id: int | None = None, task_id: int | None = None) -> None:
    """Let results of a project or task expire now; the next sweep removes them. Idempotent."""
    now = utc_now()
    column, value = (results.c.task_id, task_id) if task_id is not None else (results.c.project_id, project_id)
    await uow.execute(sa.update(results).where(column == value, results.c.expires_at > now).values(expires_at=now))


async def remove_expired(uow: UnitOfWork, limit: int) -> tuple[bool, list[str]]:
    """Remove some rows that have expired; returns whether there may be more, and objects no row speaks of any more."""
    expired = sa.select(results.c.request_id).where(results.c.expires_at <= utc_now()).limit(limit).with_for_update()
    statement = sa.delete(results).where(results.c.request_id.in_(expired)).returning(results.c.object_key)
    removed = list((await uow.execute(statement)).scalars())
    left = await known_objects(uow.connection, removed)
    return len(removed) == limit, sorted(set(removed) - left)


async def known_objects(connection: AsyncConnection, keys: list[str]) -> set[str]:
    """Return which of these objects belong to a result."""
    statement = sa.select(results.c.object_key).where(results.c.object_key.in_(keys))
    return set((await connection.execute(statement)).scalars())


async def acknowledge(uow: UnitOfWork, work_id: str) -> None:
    """Note that a client was told of the end of a piece of work. Idempotent."""
    await uow.execute(pg.insert(acknowledgements).values(work_id=work_id).on_conflict_do_nothing())


async def is_acknowledged(uow: UnitOfWork, work_id: str) -> bool:
    """Say if a client was told of the end of a piece of work."""
    return bool(await uow.scalar(sa.select(sa.exists().where(acknowledgements.c.work_id == work_id))))


async def remove_notes(uow: UnitOfWork, older_than: timedelta) -> None:
    """Forget what was noted for older clients and nobody asks for any more."""
    cutoff = utc_now() - older_than
    await uow.execute(sa.delete(acknowledgements).where(acknowledgements.c.told_at < cutoff))
    await uow.execute(sa.delete(latest).where(latest.c.asked_at < cutoff))


async def note_latest(uow: UnitOfWork, dedupe_key: str, work_id: str) -> None:
    """Note which work was queued last under a key."""
    statement = pg.insert(latest).values(dedupe_key=dedupe_key, work_id=work_id)
    changed = {"work_id": work_id, "asked_at": sa.func.now()}
    await uow.execute(statement.on_conflict_do_update(index_elements=[latest.c.dedupe_key], set_=changed))


async def find_latest(uow: UnitOfWork, dedupe_key: str) -> str | None:
    """Return the id of the work that was queued last under a key."""
    found: str | None = await uow.scalar(sa.select(latest.c.work_id).where(latest.c.dedupe_key == dedupe_key))
    return found


def _file(row: Row) -> StoredFile:
    return StoredFile(row.object_key, row.size_bytes, row.sha256, row.expires_at)


def _result(row: Row) -> Result:
    return Result(row.request_id, row.owner_id, row.file_name, _file(row), row.created_at)
