"""The way of a fact: recorded in a transaction, relayed in order, handled once by every group."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from limner_common.bus import Consumer, LocalBus, run_relay
from limner_common.bus.relay import relay_once
from limner_common.db import Database
from limner_common.db.uow import OutgoingMessage
from limner_common.errors import Unavailable
from limner_common.ids import new_uuid
from tests.support.bus_conformance import (
    RETRY_DELAYS_SECONDS,
    TOPIC,
    BusConformance,
    keep,
    kept,
    make_tables,
    messages,
    metadata,
    running,
    until,
)
from tests.support.installation import DatabaseServer


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(await postgres.clone(), metadata)
    await make_tables(database)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def bus(database: Database) -> AsyncIterator[LocalBus]:
    bus = LocalBus(database.url, poll_seconds=0.2, retry_delays_seconds=RETRY_DELAYS_SECONDS)
    await bus.prepare()
    yield bus
    await bus.close()


class TestLocalBus(BusConformance):
    pass


def message(key: str, value: str) -> OutgoingMessage:
    return OutgoingMessage(new_uuid(), "probe.v1", key, value.encode(), {"trace": "t"})


async def test_facts_of_a_rolled_back_unit_of_work_are_never_published(database: Database, bus: LocalBus) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as uow:
            uow.record(message("1", "lost"))
            await uow.flush()
            raise RuntimeError
    assert await relay_once(database, bus) == 0


async def test_the_relay_publishes_in_order_and_empties_the_outbox(database: Database, bus: LocalBus) -> None:
    async with database.begin() as uow:
        for number in range(5):
            uow.record(message("1", str(number)))
    assert await relay_once(database, bus) == 5
    assert await relay_once(database, bus) == 0
    subscription = await bus.subscribe("group", ["probe.v1"])
    received = []
    async for delivery in subscription.deliveries():
        received.append(delivery.payload.decode())
        if len(received) == 5:
            break
    await subscription.close()
    assert received == ["0", "1", "2", "3", "4"]


async def test_the_running_relay_wakes_up_on_commit(database: Database, bus: LocalBus) -> None:
    relay = asyncio.create_task(run_relay(database, bus, poll_seconds=600))
    try:
        async with running(database, bus, Consumer("effects", ["probe.v1"], keep)):
            await asyncio.sleep(0.3)
            async with database.begin() as uow:
                uow.record(message("k", "quick"))
            await until(lambda: kept(database), ["quick"])
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def test_a_waiting_consumer_goes_on_when_its_connections_were_cut(database: Database, bus: LocalBus) -> None:
    async with running(database, bus, Consumer("effects", [TOPIC], keep)):
        await bus.publish(messages("a", "before"))
        await until(lambda: kept(database), ["before"])
        connection = await database.raw_connect()
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        await _publish_when_reachable(bus, "after")
        await until(lambda: kept(database), ["before", "after"])


async def _publish_when_reachable(bus: LocalBus, value: str) -> None:
    """Publish as the relay does: a pooled connection that was cut costs one refusal each, never the message."""
    async with asyncio.timeout(60):
        while True:
            with suppress(Unavailable):
                await bus.publish(messages("a", value))
                return
            await asyncio.sleep(0.1)
