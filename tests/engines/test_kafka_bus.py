"""The bus over a real Kafka: the suite of all adapters, and what only a broker of its own can do to us."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from limner_common.bus import Consumer, Delivery, run_relay
from limner_common.bus.kafka import KafkaBus, KafkaConnection
from limner_common.bus.kafka.dead_letters import KafkaDeadLetters
from limner_common.bus.metrics import MESSAGES
from limner_common.bus.port import DeadLetter
from limner_common.db import Database, UnitOfWork
from limner_common.errors import Unavailable
from limner_common.ids import new_token
from tests.support.bus_conformance import (
    RETRY_DELAYS_SECONDS,
    TOPIC,
    TOPICS,
    BusConformance,
    keep,
    kept,
    make_tables,
    member,
    messages,
    metadata,
    running,
    take,
    until,
)
from tests.support.engines import Engines
from tests.support.installation import DatabaseServer

pytestmark = pytest.mark.engines

Closing = Callable[[KafkaBus], KafkaBus]


def new_bus(servers: str, prefix: str, **options: Any) -> KafkaBus:
    chosen = {"retry_delays_seconds": RETRY_DELAYS_SECONDS, **options}
    return KafkaBus(KafkaConnection([servers]), TOPICS, prefix=prefix, **chosen)


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(await postgres.clone(), metadata)
    await make_tables(database)
    yield database
    await database.close()


@pytest.fixture
def prefix(engines: Engines) -> str:
    return f"{engines.topic_prefix}{new_token()}."


@pytest_asyncio.fixture
async def closed_later() -> AsyncIterator[Closing]:
    """Closes the buses that it is given when the test is over, however it ends."""
    async with AsyncExitStack() as stack:

        def close_later(bus: KafkaBus) -> KafkaBus:
            stack.push_async_callback(bus.close)
            return bus

        yield close_later


@pytest.fixture
def bus(engines: Engines, prefix: str, closed_later: Closing) -> KafkaBus:
    return closed_later(new_bus(engines.kafka_servers, prefix))


class TestKafkaBus(BusConformance):
    pass


async def test_the_check_of_a_broker_that_is_away_tells_strangers_nothing(prefix: str, closed_later: Closing) -> None:
    bus = closed_later(new_bus("127.0.0.1:9", prefix))
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"^Kafka is away\.$"):
            await bus.check()


async def test_topics_are_made_as_the_list_says_and_left_alone_afterwards(
    engines: Engines, bus: KafkaBus, prefix: str
) -> None:
    await bus.prepare()
    topic = f"{prefix}{TOPIC}"
    await until(lambda: _partitions(engines.kafka_servers, topic), 6)
    await new_bus(engines.kafka_servers, prefix, partitions=2).prepare()
    described = await _describe(engines.kafka_servers, topic)
    assert described["partitions"] == 6
    assert described["retention.ms"] == str(24 * 3_600_000)


async def test_partitions_and_replicas_come_from_the_settings(engines: Engines, prefix: str) -> None:
    await new_bus(engines.kafka_servers, prefix, partitions=2, replication=1).prepare()
    # The controller made them; the broker tells them a moment later.
    await until(lambda: _partitions(engines.kafka_servers, f"{prefix}{TOPIC}"), 2)


async def test_a_topic_that_is_refused_is_named_with_what_to_do(engines: Engines, prefix: str) -> None:
    with pytest.raises(Unavailable, match=rf"refuses to create the topic {prefix}{TOPIC}: .*with 6 partitions"):
        await new_bus(engines.kafka_servers, prefix, replication=9).prepare()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_messages_pass_over_tls_with_a_login(
    engines: Engines, prefix: str, mechanism: str, closed_later: Closing
) -> None:
    connection = _secured(engines, mechanism, engines.stack.kafka.password)
    bus = closed_later(KafkaBus(connection, TOPICS, prefix=prefix))
    await bus.publish(messages("a", "a1"))
    async with member(bus, "one") as subscription:
        assert await take(subscription, 1) == ["a1"]
    assert await bus.dead_letters.counts() == {}


async def test_a_wrong_password_is_refused(engines: Engines, prefix: str, closed_later: Closing) -> None:
    bus = closed_later(KafkaBus(_secured(engines, "SCRAM-SHA-512", "wrong"), TOPICS, prefix=prefix))
    with pytest.raises(Unavailable, match="Kafka cannot be used"):
        await bus.publish(messages("a", "a1"))


async def test_installations_with_different_prefixes_do_not_hear_each_other(
    engines: Engines, prefix: str, closed_later: Closing
) -> None:
    ours, theirs = (closed_later(new_bus(engines.kafka_servers, f"{prefix}{name}.")) for name in "ab")
    await ours.publish(messages("k", "ours"))
    await theirs.publish(messages("k", "theirs"))
    for bus, expected in ((ours, "ours"), (theirs, "theirs")):
        async with member(bus, "one") as subscription:
            assert await take(subscription, 1) == [expected]


async def test_what_a_foreign_producer_wrote_is_a_dead_letter_and_the_rest_goes_on(
    engines: Engines, bus: KafkaBus, prefix: str, database: Database
) -> None:
    await bus.prepare()
    foreign = AIOKafkaProducer(bootstrap_servers=engines.kafka_servers)
    await foreign.start()
    try:
        await foreign.send_and_wait(f"{prefix}{TOPIC}", b"poison", headers=[("limner-event-id", b"nonsense")])
    finally:
        await foreign.stop()
    await bus.publish(messages("a", "good"))
    async with running(database, bus, Consumer("effects", [TOPIC], keep)):
        await until(lambda: kept(database), ["good"])
        await until(bus.dead_letters.counts, {"effects": 1})


async def test_what_dies_again_before_its_first_death_is_taken_away_stays_a_dead_letter(
    bus: KafkaBus, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sent,) = messages("a", "poison")
    forget = KafkaDeadLetters._forget

    async def died_after(first: DeadLetter) -> bool:
        again = await bus.dead_letters.find("effects", sent.event_id)
        return again is not None and again.dead_at > first.dead_at

    async def forget_late(letters: KafkaDeadLetters, group: str, deaths: Any) -> None:
        await until(lambda: died_after(first), True)
        await forget(letters, group, deaths)

    await bus.publish([sent])
    async with running(database, bus, Consumer("effects", [TOPIC], keep)):
        await until(bus.dead_letters.counts, {"effects": 1})
        first = await bus.dead_letters.find("effects", sent.event_id)
        assert first is not None
        monkeypatch.setattr(KafkaDeadLetters, "_forget", forget_late)
        assert await bus.dead_letters.replay("effects", [sent.event_id]) == 1
    assert await bus.dead_letters.counts() == {"effects": 1}
    assert await died_after(first)
    monkeypatch.undo()
    assert await bus.dead_letters.drop("effects", [sent.event_id]) == 1
    assert await bus.dead_letters.counts() == {}


async def test_a_handler_that_takes_longer_than_the_session_keeps_its_partitions(
    engines: Engines, prefix: str, database: Database, closed_later: Closing
) -> None:
    session_seconds = 12.0  # long enough for the heartbeats of a machine that is busy with other tests
    bus = closed_later(new_bus(engines.kafka_servers, prefix, session_seconds=session_seconds))
    deliveries: list[str] = []

    async def slow(uow: UnitOfWork, delivery: Delivery) -> None:
        deliveries.append(delivery.payload.decode())
        if delivery.payload == b"slow":
            await asyncio.sleep(session_seconds * 1.2)
        await keep(uow, delivery)

    await bus.publish(messages("a", "slow", "next"))
    async with running(database, bus, Consumer("effects", [TOPIC], slow)):
        await until(lambda: kept(database), ["slow", "next"], seconds=120)
    assert deliveries == ["slow", "next"]


async def test_an_effect_happens_once_though_its_consumer_is_killed_before_the_commit(
    engines: Engines, bus: KafkaBus, prefix: str, database: Database
) -> None:
    await bus.prepare()
    command = [sys.executable, "-m", "tests.engines.uncommitting_member", engines.kafka_servers, prefix, database.url]
    member = subprocess.Popen(command)
    try:
        await bus.publish(messages("a", "a1", "a2", "a3"))
        await until(lambda: kept(database), ["a1", "a2", "a3"], seconds=120)
    finally:
        member.kill()
        member.wait()
    repeated = MESSAGES.labels("effects", "repeated")._value
    before = repeated.get()
    await bus.publish(messages("a", "a4"))
    async with running(database, bus, Consumer("effects", [TOPIC], keep)):
        await until(lambda: kept(database), ["a1", "a2", "a3", "a4"], seconds=120)
    assert repeated.get() == before + 3


async def test_publishing_without_a_broker_says_so_in_time(prefix: str, closed_later: Closing) -> None:
    nowhere = closed_later(new_bus("127.0.0.1:1", prefix))
    with pytest.raises(Unavailable, match="Kafka cannot be used"):
        await nowhere.publish(messages("a", "a1"))


async def test_publishing_to_a_broker_that_hangs_says_so_in_time(
    mortal_engines: Engines, closed_later: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"{mortal_engines.topic_prefix}{new_token()}."
    bus = closed_later(new_bus(mortal_engines.kafka_servers, prefix, publish_seconds=60))
    await bus.publish(messages("a", "before"))
    mortal_engines.stack.kafka.pause()
    with monkeypatch.context() as in_a_hurry:
        in_a_hurry.setattr(bus._publisher, "_timeout_seconds", 2.0)
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await bus.publish(messages("a", "meanwhile"))
        assert time.monotonic() - started < 30  # the client's own timeout is longer
    mortal_engines.stack.kafka.resume()
    await bus.publish(messages("a", "after"))
    async with member(bus, "one") as subscription:
        received = await take(subscription, 2)
    assert received[0] == "before"
    assert received[1] in ("meanwhile", "after")  # what hung may have arrived: it was not acknowledged


async def test_everything_arrives_once_and_in_order_after_the_broker_was_away(
    mortal_engines: Engines, database: Database, closed_later: Closing
) -> None:
    prefix = f"{mortal_engines.topic_prefix}{new_token()}."
    bus = closed_later(new_bus(mortal_engines.kafka_servers, prefix))
    recorded: dict[str, list[str]] = {f"k{key}": [] for key in range(8)}
    stop = asyncio.Event()

    async def record() -> None:
        for number in count():
            async with database.begin() as uow:
                for key, values in recorded.items():
                    values.append(f"{key}-{number}")
                    uow.record(messages(key, values[-1])[0])
            await asyncio.sleep(0.05)
            if stop.is_set():
                return

    async def arrived() -> dict[str, list[str]]:
        by_key: dict[str, list[str]] = {key: [] for key in recorded}
        for value in await kept(database):
            by_key[value.split("-")[0]].append(value)
        return by_key

    consumers = Consumer("effects", [TOPIC], keep), Consumer("others", [TOPIC], _ignore)
    async with (
        _until_the_end(run_relay(database, bus)),
        running(database, bus, *consumers),
        _until_the_end(record()) as work,
    ):
        await until(lambda: _is_any(arrived), True)
        await asyncio.to_thread(mortal_engines.stack.kafka.kill)
        await asyncio.sleep(10)
        await asyncio.to_thread(mortal_engines.stack.kafka.start)
        stop.set()
        await work
        await until(arrived, recorded, seconds=180)


@asynccontextmanager
async def _until_the_end(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Let something run beside the block, at most as long."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _secured(engines: Engines, mechanism: str, password: str) -> KafkaConnection:
    kafka = engines.stack.kafka
    return KafkaConnection(
        [kafka.secured_servers],
        security_protocol="SASL_SSL",
        sasl_mechanism=mechanism,
        username=kafka.user,
        password=password,
        ca_file=kafka.certificates.authority,
    )


async def _ignore(uow: UnitOfWork, delivery: Delivery) -> None:
    """A second group of the same process."""


async def _is_any(look: Any) -> bool:
    return all((await look()).values())


async def _partitions(servers: str, topic: str) -> int:
    return int((await _describe(servers, topic))["partitions"])


async def _describe(servers: str, topic: str) -> dict[str, Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    configs = {entry[0]: entry[1] for resource in answer.resources for entry in resource[4]}
    return {"partitions": len(described["partitions"]), **configs}
