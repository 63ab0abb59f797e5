"""Dead letters in Kafka: a compacted topic per group, where a tombstone takes one away."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from limner_common.bus.kafka.connection import KafkaConnection, closed, translated_outages
from limner_common.bus.kafka.publisher import Publisher
from limner_common.bus.kafka.records import Record, dead_letter_of, retry_record
from limner_common.bus.kafka.topics import Names
from limner_common.bus.port import DeadLetter

_REPLAY_PARTITION = 0


class KafkaDeadLetters:
    """See ``DeadLetters``. Each call reads the group's topic, of which it keeps ids and offsets only.

    Args:
        connection: Where.
        names: Prefix of names.
        publisher: Writes replays and tombstones.
        prepare: Makes sure that a group's topics exist.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        names: Names,
        publisher: Publisher,
        prepare: Callable[[str], Awaitable[None]],
    ) -> None:
        self._connection = connection
        self._names = names
        self._publisher = publisher
        self._prepare = prepare

    async def counts(self) -> dict[str, int]:
        """Return how many there are by group."""
        with translated_outages():
            async with self._reader() as consumer:
                groups = self._names.groups_of_dead(await consumer.topics())
                counts = {group: len(await self._offsets(consumer, group)) for group in groups}
        return {group: count for group, count in counts.items() if count}

    async def page(self, group: str, *, limit: int, after: UUID | None = None) -> Sequence[DeadLetter]:
        """Return a group's dead letters, oldest first."""
        with translated_outages():
            async with self._reader() as consumer:
                ids = list(offsets := await self._offsets(consumer, group))
                if after is not None:
                    ids = ids[ids.index(after) + 1 :] if after in offsets else []
                return [await self._read(consumer, group, offsets[event_id]) for event_id in ids[:limit]]

    async def find(self, group: str, event_id: UUID) -> DeadLetter | None:
        """Return one dead letter, or None."""
        found = await self._find(group, [event_id])
        return found[0] if found else None

    async def replay(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Deliver messages again to the group they died in."""
        letters = await self._find(group, event_ids)
        await self._prepare(group)
        topic = self._names.retry(group)
        await self._publisher.publish(
            [retry_record(letter, topic, _REPLAY_PARTITION, attempt=1, due_at=time.time()) for letter in letters]
        )
        await self._bury_for_good(group, [letter.event_id for letter in letters])
        return len(letters)

    async def drop(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Forget messages for good."""
        letters = await self._find(group, event_ids)
        await self._bury_for_good(group, [letter.event_id for letter in letters])
        return len(letters)

    async def _bury_for_good(self, group: str, event_ids: Sequence[UUID]) -> None:
        topic = self._names.dead(group)
        await self._publisher.publish([Record(topic, str(event_id).encode(), None) for event_id in event_ids])

    async def _find(self, group: str, event_ids: Sequence[UUID]) -> list[DeadLetter]:
        with translated_outages():
            async with self._reader() as consumer:
                offsets = await self._offsets(consumer, group)
                return [await self._read(consumer, group, offsets[i]) for i in event_ids if i in offsets]

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(**self._connection.client_options("limner-dead-letters"), enable_auto_commit=False)
        try:
            await consumer.start()
            yield consumer
        finally:
            await closed(consumer.stop())

    async def _offsets(self, consumer: AIOKafkaConsumer, group: str) -> dict[UUID, int]:
        """Return where each dead letter lies, oldest first."""
        place = TopicPartition(self._names.dead(group), 0)
        if place.topic not in await consumer.topics():
            return {}
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        offsets: dict[UUID, int] = {}
        while await consumer.position(place) < end:
            batches = await consumer.getmany(place, timeout_ms=1000)
            for record in batches.get(place, ()):
                event_id = UUID(record.key.decode())
                offsets.pop(event_id, None)
                if record.value is not None:
                    offsets[event_id] = record.offset
        return offsets

    async def _read(self, consumer: AIOKafkaConsumer, group: str, offset: int) -> DeadLetter:
        place = TopicPartition(self._names.dead(group), 0)
        consumer.seek(place, offset)
        record: Any = await consumer.getone(place)
        return dead_letter_of(record, group)
