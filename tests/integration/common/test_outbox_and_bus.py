"""The way of a fact: recorded in a transaction, relayed in order, handled once by every group."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from limner_common.bus import Consumer, Delivery, InvalidMessage, LocalBus, run_consumer, run_relay
from limner_common.bus.relay import relay_once
from limner_common.db import Database, UnitOfWork, new_metadata
from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid
from tests.support.bus_conformance import BusConformance, until
from tests.support.installation import DatabaseServer

metadata = new_metadata("probe")
effects = sa.Table("effects", metadata, sa.Column("key", sa.Text), sa.Column("value", sa.Text))


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(await postgres.clone(), metadata)
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE SCHEMA probe"))
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def bus(database: Database) -> AsyncIterator[LocalBus]:
    bus = LocalBus(database.url, poll_seconds=0.2)
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


async def test_an_effect_happens_once_though_the_message_is_delivered_twice(database: Database, bus: LocalBus) -> None:
    same = message("k", "once")
    await bus.publish([same, same, message("k", "twice")])
    consumer = Consumer("effects", ["probe.v1"], _keep)
    task = asyncio.create_task(run_consumer(database, bus, consumer))
    try:
        await until(lambda: _values(database), ["once", "twice"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_poison_is_set_aside_with_its_reason_and_the_rest_goes_on(database: Database, bus: LocalBus) -> None:
    await bus.publish([message("k", "poison"), message("k", "good")])
    task = asyncio.create_task(run_consumer(database, bus, Consumer("effects", ["probe.v1"], _keep)))
    try:
        await until(lambda: _values(database), ["good"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with database.read() as connection:
        rows = (await connection.execute(sa.text("SELECT payload, reason FROM bus.dead_letters"))).all()
    assert [(row.payload, row.reason) for row in rows] == [(b"poison", "cannot be read")]


async def test_a_failing_effect_is_tried_again_until_it_works(database: Database, bus: LocalBus) -> None:
    attempts = 0

    async def fails_twice(uow: UnitOfWork, delivery: Delivery) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise RuntimeError("not yet")
        await _keep(uow, delivery)

    await bus.publish([message("k", "patience")])
    task = asyncio.create_task(run_consumer(database, bus, Consumer("effects", ["probe.v1"], fails_twice)))
    try:
        await until(lambda: _values(database), ["patience"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert attempts == 3


async def test_the_running_relay_wakes_up_on_commit(database: Database, bus: LocalBus) -> None:
    relay = asyncio.create_task(run_relay(database, bus, poll_seconds=60))
    consumer = asyncio.create_task(run_consumer(database, bus, Consumer("effects", ["probe.v1"], _keep)))
    try:
        await asyncio.sleep(0.3)
        async with database.begin() as uow:
            uow.record(message("k", "quick"))
        await until(lambda: _values(database), ["quick"])
    finally:
        for task in (relay, consumer):
            task.cancel()
        await asyncio.gather(relay, consumer, return_exceptions=True)


async def _keep(uow: UnitOfWork, delivery: Delivery) -> None:
    if delivery.payload == b"poison":
        raise InvalidMessage("cannot be read")
    await uow.execute(sa.insert(effects).values(key=delivery.key, value=delivery.payload.decode()))


async def _values(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.scalars(sa.select(effects.c.value).order_by(effects.c.value))).all())
