"""What is to be seen of a service's work items."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from limner_common.clock import utc_now
from limner_common.db.engine import Database, Row
from limner_common.work.queue import WorkState

#: What lists show; payloads and results may be large.
_COLUMNS = (
    "id",
    "kind",
    "state",
    "owner",
    "attempts",
    "max_attempts",
    "progress",
    "message",
    "is_cancel_requested",
    "created_at",
    "run_at",
    "lease_until",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Which items are wanted.

    Attributes:
        states: Only these; all when empty.
        kind: Only this kind.
        older_than: Only items that were asked for so long ago.
        limit: At most so many, the newest.
    """

    states: tuple[WorkState, ...] = ()
    kind: str | None = None
    older_than: timedelta = timedelta()
    limit: int = 100


async def list_work(database: Database, wanted: WorkFilter) -> list[dict[str, Any]]:
    """Return items, newest first, as columns by name without payload and result."""
    table = database.table("work_items")
    statement = (
        sa.select(*(table.c[name] for name in _COLUMNS))
        .where(table.c.created_at <= utc_now() - wanted.older_than)
        .order_by(table.c.created_at.desc())
        .limit(wanted.limit)
    )
    if wanted.states:
        statement = statement.where(table.c.state.in_(wanted.states))
    if wanted.kind is not None:
        statement = statement.where(table.c.kind == wanted.kind)
    async with database.read() as connection:
        return [_plain(row) for row in await connection.execute(statement)]


async def find_work(database: Database, item_id: str) -> dict[str, Any] | None:
    """Return all columns of an item, or None."""
    table = database.table("work_items")
    async with database.read() as connection:
        row = (await connection.execute(sa.select(table).where(table.c.id == item_id))).one_or_none()
    return None if row is None else _plain(row)


def _plain(row: Row) -> dict[str, Any]:
    # Names of columns are a subclass of str, which encoders of JSON refuse.
    return {str(name): value for name, value in row._mapping.items()}
