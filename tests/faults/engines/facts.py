"""Looks behind the cluster: into its tables and its topics."""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from limner_contracts.annotations.v1.job_annotations_event_pb2 import JobAnnotationsEvent
from tests.support.cluster import Cluster
from tests.support.engines import PARTITIONS

T = TypeVar("T")
_SAVES = "limner.annotations.job.v1"
_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def revisions(cluster: Cluster) -> dict[int, list[int]]:
    """Return what was written of each job."""
    return _by_job(_rows(cluster, "SELECT job_id, revision FROM annotations.revisions ORDER BY job_id, revision"))


def recorded_saves(cluster: Cluster) -> dict[int, list[int]]:
    """Return which of them analytics has counted."""
    statement = """
        SELECT job_id, (payload->>'revision')::bigint AS revision FROM analytics.events
        WHERE scope = 'save:annotations' ORDER BY job_id, revision"""
    return _by_job(_rows(cluster, statement))


def published_saves(cluster: Cluster) -> dict[int, list[int]]:
    """Return those of the topic, in its order; what the relay had to send twice counts once."""
    published: dict[int, list[int]] = {}
    for payload in _run(_messages(cluster, _SAVES)):
        event = JobAnnotationsEvent.FromString(payload)
        known = published.setdefault(event.job_id, [])
        if event.saved.revision not in known:
            known.append(event.saved.revision)
    return dict(sorted(published.items()))


def dead_letters(cluster: Cluster, topic: str) -> list[dict[str, Any]]:
    """Return what could not be handled of a topic."""
    letters = json.loads(cluster.run("admin", "dead-letters", "list", "--json"))
    return [letter for letter in letters if letter["topic"] == topic]


def has_members(cluster: Cluster, group: str) -> bool:
    """Say whether the broker counts on somebody in a group."""
    return _run(_state(cluster, cluster.topic_prefix + group)) != "Empty"


def forget_commits(cluster: Cluster, group: str, topic: str, *, by: int) -> int:
    """Set a group back by some messages of each partition, as a kill before the commit does; returns how many in all."""
    return _run(_forget_commits(cluster, cluster.topic_prefix + group, cluster.topic_prefix + topic, by))


def connections(cluster: Cluster) -> int:
    """Return how many connections to the cluster's database there are."""
    return int(_rows(cluster, f"SELECT count(*) {_OTHERS}")[0][0])


def cut_connections(cluster: Cluster) -> None:
    """End all connections to the cluster's database."""
    _rows(cluster, f"SELECT pg_terminate_backend(pid) {_OTHERS}")


@contextmanager
def held_table(cluster: Cluster, table: str) -> Iterator[None]:
    """Hold a table so that everybody who wants to read it waits."""
    holds, done = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(cluster.database_url)
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            holds.set()
            await asyncio.to_thread(done.wait)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    try:
        assert holds.wait(60)
        yield
    finally:
        done.set()
        thread.join(60)


def send(cluster: Cluster, topic: str, payload: bytes) -> None:
    """Write a message into each partition of a topic, as a foreign producer would."""
    _run(_send(cluster, cluster.topic_prefix + topic, payload))


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _rows(cluster: Cluster, statement: str) -> list[Any]:
    async def fetch() -> list[Any]:
        connection = await asyncpg.connect(cluster.database_url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    return _run(fetch())


def _by_job(rows: list[Any]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for job_id, revision in rows:
        found.setdefault(job_id, []).append(revision)
    return found


async def _messages(cluster: Cluster, topic: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.engines.kafka_servers)
    await consumer.start()
    try:
        partitions = _partitions(cluster.topic_prefix + topic)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[bytes] = []
        for partition, end in (await consumer.end_offsets(partitions)).items():
            while await consumer.position(partition) < end:
                batches = await consumer.getmany(partition, timeout_ms=1000)
                found += [record.value for records in batches.values() for record in records]
        return found
    finally:
        await consumer.stop()


async def _state(cluster: Cluster, group: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.engines.kafka_servers)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([group])
        (described,) = answer.groups
        return str(described[2])
    finally:
        await admin.close()


async def _forget_commits(cluster: Cluster, group: str, topic: str, by: int) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.engines.kafka_servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = _partitions(topic)
        consumer.assign(partitions)
        committed = {partition: await consumer.committed(partition) or 0 for partition in partitions}
        earlier = {partition: max(0, offset - by) for partition, offset in committed.items()}
        await consumer.commit({partition: OffsetAndMetadata(offset, "") for partition, offset in earlier.items()})
        return sum(committed.values()) - sum(earlier.values())
    finally:
        await consumer.stop()


def _partitions(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]


async def _send(cluster: Cluster, topic: str, payload: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.engines.kafka_servers)
    await producer.start()
    try:
        for partition in range(PARTITIONS):
            await producer.send_and_wait(topic, payload, partition=partition)
    finally:
        await producer.stop()
