"""The position of one group in the log, held by at most one process."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from limner_common.bus.local.schema import BURY, CHANNEL, COMMIT, FORGET_RETRY, RETRY
from limner_common.bus.port import Delivery
from limner_common.db.engine import connect_asyncpg

_BATCH = 200
_RETRIES = "retries"


class LocalSubscription:
    """See ``Subscription``. Messages set aside form a partition of their own, ``retries``, beside the topics.

    Args:
        url: Database of the log.
        group: Consumer group.
        topics: Topics read.
        poll_seconds: How long to sleep at most when no notification comes.
        retry_delays_seconds: See ``RETRY_DELAYS_SECONDS``.
    """

    def __init__(
        self,
        url: str,
        group: str,
        topics: Sequence[str],
        *,
        poll_seconds: float,
        retry_delays_seconds: Sequence[float],
    ) -> None:
        self._url = url
        self._group = group
        self._topics = topics
        self._poll_seconds = poll_seconds
        self._retry_delays_seconds = retry_delays_seconds
        self._connection: asyncpg.Connection[Any] | None = None
        self._one_at_a_time = asyncio.Lock()  # the driver takes one statement after the other
        self._wake = asyncio.Event()
        self._paused: set[str] = set()
        self._retried: set[UUID] = set()  # handed out from the partition of retries and not settled yet

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """Yield messages for ever; see ``Subscription``."""
        await self._join()
        last = await self._positions()
        while True:
            self._wake.clear()
            found = [*await self._due(), *await self._new(last)]
            for delivery in found:
                if delivery.partition == _RETRIES:
                    self._retried.add(delivery.event_id)
                else:
                    last[delivery.topic] = delivery.position
                yield delivery
            if not found:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._poll_seconds)

    def is_held(self, delivery: Delivery) -> bool:
        """Say whether the message is still this member's."""
        return self._connection is not None and not self._connection.is_closed()

    async def commit(self, delivery: Delivery) -> None:
        """Say that this message and those before it are done."""
        async with self._one_at_a_time:
            await self._settle(delivery)

    async def retry_later(self, delivery: Delivery, reason: str) -> bool:
        """Set a message aside to come again; False when it did so often enough."""
        if delivery.attempt > len(self._retry_delays_seconds):
            return False
        delay_seconds = self._retry_delays_seconds[delivery.attempt - 1]
        async with self._one_at_a_time, self._joined().transaction():
            await self._settle(delivery)
            await self._joined().execute(RETRY, *self._row(delivery), delivery.attempt + 1, delay_seconds)
        return True

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Set a message aside for people."""
        async with self._one_at_a_time, self._joined().transaction():
            await self._joined().execute(BURY, *self._row(delivery), reason, delivery.attempt)
            await self._settle(delivery)

    def pause(self, partition: str) -> None:
        """Yield no more of a partition for a while."""
        self._paused.add(partition)

    def resume(self, partition: str) -> None:
        """Yield messages of a partition again."""
        self._paused.discard(partition)
        self._wake.set()

    async def close(self) -> None:
        """Leave the group."""
        if self._connection is not None:
            await self._connection.close(timeout=2)

    async def _join(self) -> None:
        self._connection = await connect_asyncpg(self._url)
        # Held by the session: given back when the connection or its process dies.
        await self._connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"limner-bus:{self._group}")
        await self._connection.add_listener(CHANNEL, lambda *_: self._wake.set())

    def _joined(self) -> "asyncpg.Connection[Any]":
        assert self._connection is not None
        return self._connection

    async def _positions(self) -> dict[str, Any]:
        rows = await self._fetch("SELECT topic, seq FROM bus.positions WHERE consumer_group = $1", self._group)
        known = {row["topic"]: row["seq"] for row in rows}
        return {topic: known.get(topic, 0) for topic in self._topics}

    async def _new(self, last: dict[str, Any]) -> list[Delivery]:
        read = {topic: seq for topic, seq in last.items() if topic not in self._paused}
        if not read:
            return []
        rows = await self._fetch(
            "SELECT m.seq, m.event_id, m.topic, m.key, m.payload, m.headers FROM bus.messages m"
            " JOIN unnest($1::text[], $2::bigint[]) AS p(topic, seq) ON m.topic = p.topic AND m.seq > p.seq"
            " ORDER BY m.seq LIMIT $3",
            list(read),
            list(read.values()),
            _BATCH,
        )
        return [self._delivery(row, partition=row["topic"], position=row["seq"]) for row in rows]

    async def _due(self) -> list[Delivery]:
        if _RETRIES in self._paused:
            return []
        rows = await self._fetch(
            "SELECT event_id, topic, key, payload, headers, attempt FROM bus.retries"
            " WHERE consumer_group = $1 AND due_at <= now() AND event_id <> ALL ($2::uuid[]) ORDER BY due_at LIMIT $3",
            self._group,
            list(self._retried),
            _BATCH,
        )
        return [self._delivery(row, partition=_RETRIES, position=None, attempt=row["attempt"]) for row in rows]

    def _delivery(self, row: Any, *, partition: str, position: object, attempt: int = 1) -> Delivery:
        headers = orjson.loads(row["headers"])
        return Delivery(row["event_id"], row["topic"], row["key"], row["payload"], headers, position, partition, attempt)

    def _row(self, delivery: Delivery) -> tuple[object, ...]:
        headers = orjson.dumps(delivery.headers).decode()
        return (self._group, delivery.event_id, delivery.topic, delivery.key, delivery.payload, headers)

    async def _settle(self, delivery: Delivery) -> None:
        if delivery.partition == _RETRIES:
            await self._joined().execute(FORGET_RETRY, self._group, delivery.event_id)
            self._retried.discard(delivery.event_id)
        else:
            await self._joined().execute(COMMIT, self._group, delivery.topic, delivery.position)

    async def _fetch(self, query: str, *parameters: object) -> list[Any]:
        async with self._one_at_a_time:
            return list(await self._joined().fetch(query, *parameters))
