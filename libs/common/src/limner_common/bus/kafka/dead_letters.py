"""Dead letters in Kafka: a compacted topic per group, where a tombstone takes one away."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from limner_common.bus.kafka.connection import KafkaConnection, closed, translated_outages
from limner_common.bus.kafka.publisher import Publisher
from limner_common.bus.kafka.records import Record, dead_event_id, dead_letter_of, retry_record
from limner_common.bus.kafka.topics import Names
from limner_common.bus.port import DeadLetter

_REPLAY_PARTITION = 0

#: Offsets by key of the deaths of each event, oldest first; an event has one for each time it died since it was taken away.
_Deaths = dict[UUID, dict[bytes, int]]


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
                counts = {group: len(await self._deaths(consumer, group)) for group in groups}
        return {group: count for group, count in counts.items() if count}

    async def page(self, group: str, *, limit: int, after: UUID | None = None) -> Sequence[DeadLetter]:
        """Return a group's dead letters, oldest first."""
        with translated_outages():
            async with self._reader() as consumer:
                ids = list(deaths := await self._deaths(consumer, group))
                if after is not None:
                    ids = ids[ids.index(after) + 1 :] if after in deaths else []
                return await self._read(consumer, group, {event_id: deaths[event_id] for event_id in ids[:limit]})

    async def find(self, group: str, event_id: UUID) -> DeadLetter | None:
        """Return one dead letter, or None."""
        with translated_outages():
            async with self._reader() as consumer:
                found = await self._read(consumer, group, await self._chosen(consumer, group, [event_id]))
        return found[0] if found else None

    async def replay(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Deliver messages again to the group they died in."""
        with translated_outages():
            async with self._reader() as consumer:
                deaths = await self._chosen(consumer, group, event_ids)
                letters = await self._read(consumer, group, deaths)
        await self._prepare(group)
        topic = self._names.retry(group)
        await self._publisher.publish(
            [retry_record(letter, topic, _REPLAY_PARTITION, attempt=1, due_at=time.time()) for letter in letters]
        )
        await self._forget(group, deaths)
        return len(letters)

    async def drop(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Forget messages for good."""
        with translated_outages():
            async with self._reader() as consumer:
                deaths = await self._chosen(consumer, group, event_ids)
        await self._forget(group, deaths)
        return len(deaths)

    async def _forget(self, group: str, deaths: _Deaths) -> None:
        topic = self._names.dead(group)
        await self._publisher.publish([Record(topic, key, None) for offsets in deaths.values() for key in offsets])

    async def _chosen(self, consumer: AIOKafkaConsumer, group: str, event_ids: Sequence[UUID]) -> _Deaths:
        deaths = await self._deaths(consumer, group)
        return {event_id: deaths[event_id] for event_id in event_ids if event_id in deaths}

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(**self._connection.client_options("limner-dead-letters"), enable_auto_commit=False)
        try:
            await consumer.start()
            yield consumer
        finally:
            await closed(consumer.stop())

    async def _deaths(self, consumer: AIOKafkaConsumer, group: str) -> _Deaths:
        """Return where dead letters lie, the one that died last at the end."""
        place = TopicPartition(self._names.dead(group), 0)
        if place.topic not in await consumer.topics():
            return {}
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        deaths: _Deaths = {}
        while await consumer.position(place) < end:
            batches = await consumer.getmany(place, timeout_ms=1000)
            for record in batches.get(place, ()):
                _note(deaths, record)
        return deaths

    async def _read(self, consumer: AIOKafkaConsumer, group: str, deaths: _Deaths) -> list[DeadLetter]:
        """Return the last death of each event."""
        place = TopicPartition(self._names.dead(group), 0)
        letters = []
        for offsets in deaths.values():
            consumer.seek(place, max(offsets.values()))
            record: Any = await consumer.getone(place)
            letters.append(dead_letter_of(record, group))
        return letters


def _note(deaths: _Deaths, record: Any) -> None:
    event_id = dead_event_id(record.key)
    offsets = deaths.pop(event_id, {})
    offsets.pop(record.key, None)
    if record.value is not None:
        offsets[record.key] = record.offset
    if offsets:
        deaths[event_id] = offsets
