"""What the log holds that some group has not taken yet; for backups."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson

from limner_common.db.uow import OutgoingMessage

_AT_ONCE = 200


async def unread(connection: "asyncpg.Connection[Any]") -> AsyncIterator[OutgoingMessage]:
    """Yield the messages that some group has not committed, in the order they were published; nothing without a log.

    Args:
        connection: In a transaction; what it sees is what is told.
    """
    if not await connection.fetchval("SELECT to_regclass('bus.messages') IS NOT NULL"):
        return
    query = (
        "SELECT m.event_id, m.topic, m.key, m.payload, m.headers FROM bus.messages m WHERE m.seq > coalesce("
        " (SELECT min(p.seq) FROM bus.positions p WHERE p.topic = m.topic), 0) ORDER BY m.seq"
    )
    async for row in connection.cursor(query, prefetch=_AT_ONCE):
        yield OutgoingMessage(row["event_id"], row["topic"], row["key"], row["payload"], orjson.loads(row["headers"]))
