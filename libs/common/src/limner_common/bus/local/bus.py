"""A bus over one log table.

Carries the same bytes, keys and groups as a broker would. Publishing takes one advisory lock per transaction, so sequence
numbers become visible in order and a reader that asks for ``seq > last`` misses nothing. A topic is one partition: a group
has one position per topic, guarded by an advisory lock: of several processes in a group one works and the others stand by.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import structlog

from limner_common.bus.local.dead_letters import LocalDeadLetters
from limner_common.bus.local.schema import LAGS, NOTIFY, PUBLISH_LOCK, SCHEMA
from limner_common.bus.local.subscription import LocalSubscription
from limner_common.bus.port import RETRY_DELAYS_SECONDS, Subscription
from limner_common.db.engine import connect_asyncpg
from limner_common.db.uow import OutgoingMessage
from limner_common.errors import Unavailable

log = structlog.get_logger(__name__)

_PRUNING_SECONDS = 3600.0
#: Messages behind a group are counted up to this.
_COUNTED_MAX = 100_000

#: The last one: a connection that is cut while the pool lends it is in the middle of something for the driver.
_LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class LocalBus:
    """Bus over a PostgreSQL log table.

    Args:
        url: Database to keep the log in.
        poll_seconds: How long a reader sleeps at most when no notification comes.
        retention_hours: Age after which messages are removed by ``prune``.
        retry_delays_seconds: See ``RETRY_DELAYS_SECONDS``.
    """

    def __init__(
        self,
        url: str,
        *,
        poll_seconds: float = 2.0,
        retention_hours: int = 72,
        retry_delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS,
    ) -> None:
        self._url = url
        self._poll_seconds = poll_seconds
        self._retention_hours = retention_hours
        self._retry_delays_seconds = tuple(retry_delays_seconds)
        self._pool: asyncpg.Pool[Any] | None = None
        self._pool_lock = asyncio.Lock()

    @property
    def dead_letters(self) -> LocalDeadLetters:
        """What groups could not handle."""
        return LocalDeadLetters(self._connection)

    async def prepare(self) -> None:
        """Create the log's tables when they are missing; safe to call from several processes."""
        connection = await connect_asyncpg(self._url)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", PUBLISH_LOCK)
            await connection.execute(SCHEMA)
        finally:
            await connection.close()

    async def check(self) -> None:
        """Return when the database of the log answers; see ``Bus.check``."""
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Append messages in the order given; see ``Bus.publish``."""
        rows = [(m.event_id, m.topic, m.key, m.payload, orjson.dumps(m.headers).decode()) for m in messages]
        async with self._connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", PUBLISH_LOCK)
            await connection.executemany(
                "INSERT INTO bus.messages (event_id, topic, key, payload, headers) VALUES ($1,$2,$3,$4,$5)", rows
            )
            await connection.execute(NOTIFY)

    async def subscribe(self, group: str, topics: Sequence[str], *, is_patient: bool = False) -> Subscription:
        """Join a group; messages flow once this process holds the group's lock, to patient ones at once too."""
        return LocalSubscription(
            self._url,
            group,
            sorted(topics),
            poll_seconds=self._poll_seconds,
            retry_delays_seconds=self._retry_delays_seconds,
        )

    async def lags(self, groups: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
        """See ``Bus.lags``; counts through an index, up to 100,000 per group and topic."""
        pairs = [(group, topic) for group, topics in groups.items() for topic in topics]
        async with self._connection() as connection:
            rows = await connection.fetch(LAGS, [group for group, _ in pairs], [topic for _, topic in pairs], _COUNTED_MAX)
        return {(row["consumer_group"], row["topic"]): row["behind"] for row in rows}

    async def prune(self) -> int:
        """Remove messages older than the retention that every group is past; returns how many."""
        async with self._connection() as connection:
            status: str = await connection.execute(
                "DELETE FROM bus.messages m WHERE published_at < now() - make_interval(hours => $1)"
                " AND seq <= ALL (SELECT p.seq FROM bus.positions p WHERE p.topic = m.topic)",
                self._retention_hours,
            )
        return int(status.rsplit(" ", 1)[1])

    async def maintain(self) -> None:
        """Prune for ever; the log of an installation must not grow without end."""
        while True:
            try:
                await self.prune()
            except (Unavailable, asyncpg.PostgresError) as error:
                log.warning("bus_pruning_failed", error=repr(error))
            await asyncio.sleep(_PRUNING_SECONDS)

    async def close(self) -> None:
        """Release the publisher's connections."""
        if self._pool is not None:
            await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        try:
            async with self._pool_lock:
                if self._pool is None:
                    url = self._url.replace("postgresql+asyncpg://", "postgresql://", 1)
                    self._pool = await asyncpg.create_pool(url, min_size=0, max_size=3)
            async with self._pool.acquire() as connection:
                yield connection
        except _LOST as error:
            raise Unavailable("The event log is not reachable.", retry_after_seconds=2) from error
