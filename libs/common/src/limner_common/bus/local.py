"""The bus of the embedded product: a log table in PostgreSQL, LISTEN/NOTIFY to wake up.

Carries the same bytes, keys and groups as a broker would. Publishing takes one advisory lock per transaction, so sequence
numbers become visible in order and a reader that asks for ``seq > last`` misses nothing. A group has one position per
topic, guarded by an advisory lock: of several processes in a group one works and the others stand by.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
import orjson
import structlog

from limner_common.bus.port import Delivery, Subscription
from limner_common.db.engine import connect_asyncpg
from limner_common.db.uow import OutgoingMessage
from limner_common.errors import Unavailable

log = structlog.get_logger(__name__)

_CHANNEL = "limner_bus"
_PUBLISH_LOCK = 0x6C696D6E65720001
_BATCH = 200
#: Messages behind a group are counted up to this.
_COUNTED_MAX = 100_000

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE TABLE IF NOT EXISTS bus.messages (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS ix_messages_topic_seq ON bus.messages (topic, seq);
CREATE TABLE IF NOT EXISTS bus.positions (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic)
);
CREATE TABLE IF NOT EXISTS bus.dead_letters (
    consumer_group text NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    reason text NOT NULL,
    dead_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, seq)
);
"""

_LAGS = """
SELECT g.consumer_group, g.topic,
       (SELECT count(*) FROM (SELECT 1 FROM bus.messages m
                              WHERE m.topic = g.topic AND m.seq > coalesce(p.seq, 0) LIMIT $3) AS counted) AS behind
FROM unnest($1::text[], $2::text[]) AS g(consumer_group, topic)
LEFT JOIN bus.positions p ON p.consumer_group = g.consumer_group AND p.topic = g.topic
"""


class LocalBus:
    """Bus over a PostgreSQL log table.

    Args:
        url: Database to keep the log in.
        poll_seconds: How long a reader sleeps at most when no notification comes.
        retention_hours: Age after which messages are removed by ``prune``.
    """

    def __init__(self, url: str, *, poll_seconds: float = 2.0, retention_hours: int = 72) -> None:
        self._url = url
        self._poll_seconds = poll_seconds
        self._retention_hours = retention_hours
        self._pool: asyncpg.Pool[Any] | None = None
        self._pool_lock = asyncio.Lock()

    async def prepare(self) -> None:
        """Create the log's tables when they are missing; safe to call from several processes."""
        connection = await connect_asyncpg(self._url)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _PUBLISH_LOCK)
            await connection.execute(_SCHEMA)
        finally:
            await connection.close()

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Append messages in the order given; see ``Bus.publish``."""
        rows = [(m.event_id, m.topic, m.key, m.payload, orjson.dumps(m.headers).decode()) for m in messages]
        try:
            pool = await self._connections()
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _PUBLISH_LOCK)
                await connection.executemany(
                    "INSERT INTO bus.messages (event_id, topic, key, payload, headers) VALUES ($1,$2,$3,$4,$5)", rows
                )
                await connection.execute(f"NOTIFY {_CHANNEL}")
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            raise Unavailable("The event log is not reachable.", retry_after_seconds=2) from error

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join a group; blocks nothing: messages flow once this process holds the group's lock."""
        return _LocalSubscription(self._url, group, sorted(topics), self._poll_seconds)

    async def lags(self, groups: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
        """See ``Bus.lags``; counts through an index, up to 100,000 per group and topic."""
        pairs = [(group, topic) for group, topics in groups.items() for topic in topics]
        try:
            pool = await self._connections()
            rows = await pool.fetch(_LAGS, [group for group, _ in pairs], [topic for _, topic in pairs], _COUNTED_MAX)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            raise Unavailable("The event log is not reachable.", retry_after_seconds=2) from error
        return {(row["consumer_group"], row["topic"]): row["behind"] for row in rows}

    async def prune(self) -> int:
        """Remove messages older than the retention that every group is past; returns how many."""
        pool = await self._connections()
        status: str = await pool.execute(
            "DELETE FROM bus.messages m WHERE published_at < now() - make_interval(hours => $1)"
            " AND seq <= ALL (SELECT p.seq FROM bus.positions p WHERE p.topic = m.topic)",
            self._retention_hours,
        )
        return int(status.rsplit(" ", 1)[1])

    async def run_pruning(self, *, interval_seconds: float = 3600.0) -> None:
        """Prune for ever; the log of an installation must not grow without end."""
        while True:
            try:
                await self.prune()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("bus_pruning_failed", error=repr(error))
            await asyncio.sleep(interval_seconds)

    async def close(self) -> None:
        """Release the publisher's connections."""
        if self._pool is not None:
            await self._pool.close()

    async def _connections(self) -> "asyncpg.Pool[Any]":
        async with self._pool_lock:
            if self._pool is None:
                url = self._url.replace("postgresql+asyncpg://", "postgresql://", 1)
                self._pool = await asyncpg.create_pool(url, min_size=0, max_size=3)
        return self._pool


class _LocalSubscription:
    """The position of one group on its topics, held by at most one process."""

    def __init__(self, url: str, group: str, topics: list[str], poll_seconds: float) -> None:
        self._url = url
        self._group = group
        self._topics = topics
        self._poll_seconds = poll_seconds
        self._connection: asyncpg.Connection[Any] | None = None
        self._wake = asyncio.Event()

    async def deliveries(self) -> AsyncIterator[Delivery]:
        connection = await self._join()
        last = await self._positions(connection)
        while True:
            self._wake.clear()
            rows = await connection.fetch(
                "SELECT m.seq, m.event_id, m.topic, m.key, m.payload, m.headers FROM bus.messages m"
                " JOIN unnest($1::text[], $2::bigint[]) AS p(topic, seq) ON m.topic = p.topic AND m.seq > p.seq"
                " ORDER BY m.seq LIMIT $3",
                list(last),
                list(last.values()),
                _BATCH,
            )
            for row in rows:
                last[row["topic"]] = row["seq"]
                yield Delivery(
                    event_id=row["event_id"],
                    topic=row["topic"],
                    key=row["key"],
                    payload=row["payload"],
                    headers=orjson.loads(row["headers"]),
                    position=row["seq"],
                )
            if not rows:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._poll_seconds)

    async def commit(self, delivery: Delivery) -> None:
        assert self._connection is not None
        await self._connection.execute(
            "INSERT INTO bus.positions (consumer_group, topic, seq) VALUES ($1,$2,$3)"
            " ON CONFLICT (consumer_group, topic) DO UPDATE SET seq = excluded.seq",
            self._group,
            delivery.topic,
            delivery.position,
        )

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        assert self._connection is not None
        await self._connection.execute(
            "INSERT INTO bus.dead_letters (consumer_group, seq, event_id, topic, key, payload, headers, reason)"
            " VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT DO NOTHING",
            self._group,
            delivery.position,
            delivery.event_id,
            delivery.topic,
            delivery.key,
            delivery.payload,
            orjson.dumps(delivery.headers).decode(),
            reason,
        )

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _join(self) -> "asyncpg.Connection[Any]":
        connection = await connect_asyncpg(self._url)
        self._connection = connection
        # Held by the session: given back when the connection or its process dies.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"limner-bus:{self._group}")
        await connection.add_listener(_CHANNEL, lambda *_: self._wake.set())
        return connection

    async def _positions(self, connection: "asyncpg.Connection[Any]") -> dict[str, int]:
        rows = await connection.fetch("SELECT topic, seq FROM bus.positions WHERE consumer_group = $1", self._group)
        known = {row["topic"]: row["seq"] for row in rows}
        return {topic: known.get(topic, 0) for topic in self._topics}
