"""Writes records so that of each partition a prefix of what was asked for is stored, whatever happens."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from itertools import zip_longest

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from limner_common.bus.kafka.connection import KafkaConnection, closed, translated_outages
from limner_common.bus.kafka.records import Record
from limner_common.bus.kafka.topics import MAX_MESSAGE_BYTES
from limner_common.errors import Unavailable

_BATCH_BYTES = 512 * 1024
_partition_of_key = DefaultPartitioner()

_Place = tuple[str, int]


class Publisher:
    """An idempotent producer that is thrown away when it fails.

    aiokafka's own ``send`` goes on with the next batch of a partition when one fails for good, which would overtake messages
    of the same key. Here a partition's batches are sent one after the other and the first failure ends the call. The
    producer goes with it: an idempotent one would keep trying to send what its caller has given up, and its sequence
    numbers have a gap that brokers refuse.

    Args:
        connection: Where to.
        timeout_seconds: Of one call of ``publish``.
    """

    def __init__(self, connection: KafkaConnection, *, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, records: Sequence[Record]) -> None:
        """Write records durably, in order per partition; returns when all replicas in sync have them.

        Raises:
            Unavailable: Kafka is away or refuses; publishing all again is safe.
        """
        producer = None
        try:
            with translated_outages():
                async with asyncio.timeout(self._timeout_seconds):
                    producer = await self._started()
                    for wave in await _waves(producer, records):
                        await asyncio.gather(*(_send(producer, place, batch) for place, batch in wave))
        except BaseException:
            if producer is not None:
                await asyncio.shield(self._discard(producer))
            raise

    async def close(self) -> None:
        """Release the connections."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection.client_options("limner-producer"),
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=_BATCH_BYTES,
                    max_request_size=MAX_MESSAGE_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    await asyncio.shield(_stop(producer))
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await _stop(producer)


async def _waves(producer: AIOKafkaProducer, records: Sequence[Record]) -> list[list[tuple[_Place, BatchBuilder]]]:
    """Return batches to send: all of a wave at once, the next wave after it."""
    placed: dict[_Place, list[BatchBuilder]] = defaultdict(list)
    for record in records:
        if len(record.value or b"") > MAX_MESSAGE_BYTES:
            raise Unavailable(
                f"A message of {len(record.value or b'')} bytes for {record.topic}, key {record.key!r}, is larger than"
                f" {MAX_MESSAGE_BYTES}; it holds up those behind it."
            )
        batches = placed[record.topic, await _partition(producer, record)]
        if not batches or not _append(batches[-1], record):
            batches.append(producer.create_batch())
            _append(batches[-1], record)
    columns = [[(place, batch) for batch in batches] for place, batches in placed.items()]
    return [[entry for entry in wave if entry is not None] for wave in zip_longest(*columns)]


async def _partition(producer: AIOKafkaProducer, record: Record) -> int:
    if record.partition is not None:
        return record.partition
    partitions = sorted(await producer.partitions_for(record.topic))
    return int(_partition_of_key(record.key, partitions, partitions))


def _append(batch: BatchBuilder, record: Record) -> bool:
    return batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers)) is not None


async def _send(producer: AIOKafkaProducer, place: _Place, batch: BatchBuilder) -> None:
    topic, partition = place
    await (await producer.send_batch(batch, topic, partition=partition))


async def _stop(producer: AIOKafkaProducer) -> None:
    """Close without waiting for what cannot be sent; the public ``stop`` would try for as long as it takes."""
    producer._closed = True
    await closed(producer.client.close())  # ends requests that no broker answers
    await closed(producer._sender.close())
