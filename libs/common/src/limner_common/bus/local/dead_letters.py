"""Dead letters of the local bus: rows of a table."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from limner_common.bus.local.schema import NOTIFY
from limner_common.bus.port import DeadLetter

_COUNTS = "SELECT consumer_group, count(*) FROM bus.dead_letters GROUP BY 1 ORDER BY 1"
_PAGE = (
    "SELECT * FROM bus.dead_letters WHERE consumer_group = $1 AND ($3::uuid IS NULL OR (dead_at, event_id) >"
    " (SELECT dead_at, event_id FROM bus.dead_letters WHERE consumer_group = $1 AND event_id = $3))"
    " ORDER BY dead_at, event_id LIMIT $2"
)
_FIND = "SELECT * FROM bus.dead_letters WHERE consumer_group = $1 AND event_id = $2"
_REPLAY = (
    "INSERT INTO bus.retries (consumer_group, event_id, topic, key, payload, headers, attempt, due_at)"
    " SELECT consumer_group, event_id, topic, key, payload, headers, 1, now() FROM bus.dead_letters"
    " WHERE consumer_group = $1 AND event_id = ANY ($2::uuid[])"
    " ON CONFLICT (consumer_group, event_id) DO UPDATE SET attempt = 1, due_at = now()"
)
_DROP = "DELETE FROM bus.dead_letters WHERE consumer_group = $1 AND event_id = ANY ($2::uuid[])"


class LocalDeadLetters:
    """See ``DeadLetters``.

    Args:
        connect: Lends a connection.
    """

    def __init__(self, connect: Callable[[], "AbstractAsyncContextManager[asyncpg.Connection[Any]]"]) -> None:
        self._connect = connect

    async def counts(self) -> dict[str, int]:
        """Return how many there are by group."""
        async with self._connect() as connection:
            return dict(await connection.fetch(_COUNTS))

    async def page(self, group: str, *, limit: int, after: UUID | None = None) -> Sequence[DeadLetter]:
        """Return a group's dead letters, oldest first."""
        async with self._connect() as connection:
            return [_dead_letter(row) for row in await connection.fetch(_PAGE, group, limit, after)]

    async def find(self, group: str, event_id: UUID) -> DeadLetter | None:
        """Return one dead letter, or None."""
        async with self._connect() as connection:
            row = await connection.fetchrow(_FIND, group, event_id)
        return None if row is None else _dead_letter(row)

    async def replay(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Deliver messages again to the group they died in."""
        async with self._connect() as connection, connection.transaction():
            await connection.execute(_REPLAY, group, event_ids)
            status: str = await connection.execute(_DROP, group, event_ids)
            await connection.execute(NOTIFY)
        return int(status.rsplit(" ", 1)[1])

    async def drop(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Forget messages for good."""
        async with self._connect() as connection:
            status: str = await connection.execute(_DROP, group, event_ids)
        return int(status.rsplit(" ", 1)[1])


def _dead_letter(row: Any) -> DeadLetter:
    return DeadLetter(
        group=row["consumer_group"],
        event_id=row["event_id"],
        topic=row["topic"],
        key=row["key"],
        payload=row["payload"],
        headers=orjson.loads(row["headers"]),
        reason=row["reason"],
        attempts=row["attempts"],
        dead_at=row["dead_at"],
    )
