"""How far groups are behind, asked of the brokers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from limner_common.bus.kafka.connection import KafkaConnection, closed
from limner_common.bus.kafka.topics import Names


async def lags_of(
    connection: KafkaConnection, names: Names, groups: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], int]:
    """Return by (group, topic) how many messages the group has not committed.

    Args:
        connection: Where.
        names: Prefix of names.
        groups: Our names of topics by our name of the group.

    Raises:
        KafkaError: Kafka is away or refuses.
    """
    topics = sorted({names.topic(topic) for topics in groups.values() for topic in topics})
    lags = {(group, topic): 0 for group, topics in groups.items() for topic in topics}
    async with _clients(connection) as (admin, reader):
        places = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(topics)
            for partition in topic["partitions"]
        ]
        begins, ends = await reader.beginning_offsets(places), await reader.end_offsets(places)
        for group, its_topics in groups.items():
            committed = await admin.list_consumer_group_offsets(names.group(group))
            for place in places:
                topic = names.without_prefix(place.topic)
                if topic in its_topics:
                    known = committed.get(place)
                    done = known.offset if known is not None and known.offset >= 0 else begins[place]
                    lags[group, topic] += max(0, ends[place] - done)
    return lags


@asynccontextmanager
async def _clients(connection: KafkaConnection) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    options = connection.client_options("limner-lags")
    admin, reader = AIOKafkaAdminClient(**options), AIOKafkaConsumer(**options, enable_auto_commit=False)
    try:
        await admin.start()
        await reader.start()
        yield admin, reader
    finally:
        await closed(reader.stop())
        await closed(admin.close())
