"""What every bus adapter must do. A test class inherits this and provides a ``bus`` fixture.

The bus knows the topics of ``TOPICS`` and sets messages aside for ``RETRY_DELAYS_SECONDS``. A ``database`` fixture has an
outbox, an inbox and the table ``effects``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from limner_common.bus import (
    AnyConsumer,
    Bus,
    Consumer,
    DeadLetter,
    Delivery,
    InvalidMessage,
    RepeatableConsumer,
    TopicSpec,
    run_consumer,
)
from limner_common.bus.port import Subscription
from limner_common.db import Database, UnitOfWork, new_metadata
from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid

TOPIC = "conformance.v1"
TOPICS = (TopicSpec(TOPIC, 6, 24), TopicSpec("elsewhere.v1", 1, 24))
RETRY_DELAYS_SECONDS = (0.3, 0.6)

metadata = new_metadata("probe")
effects = sa.Table(
    "effects",
    metadata,
    sa.Column("key", sa.Text),
    sa.Column("value", sa.Text),
    sa.Column("id", sa.BigInteger, sa.Identity()),
)


async def make_tables(database: Database) -> None:
    """Create the probe's schema."""
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE SCHEMA probe"))
        await connection.run_sync(metadata.create_all)


async def until(look: Callable[[], Awaitable[Any]], expected: Any, *, seconds: float = 60.0) -> None:
    """Wait until ``look`` returns what is expected; fails with the last value seen."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        seen = await look()
        if seen == expected:
            return
        assert asyncio.get_running_loop().time() < deadline, f"expected {expected!r}, last seen {seen!r}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def member(bus: Bus, group: str) -> AsyncIterator[Subscription]:
    """Be a member of a group for as long as the block takes."""
    subscription = await bus.subscribe(group, [TOPIC])
    try:
        yield subscription
    finally:
        await subscription.close()


@asynccontextmanager
async def collecting(
    bus: Bus, group: str, collect: Callable[[Subscription], Coroutine[Any, Any, None]]
) -> AsyncIterator[Subscription]:
    """Let a member of a group read for as long as the block takes."""
    async with member(bus, group) as subscription:
        task = asyncio.create_task(collect(subscription))
        try:
            yield subscription
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def take(subscription: Subscription, count: int, *, commit: bool = True) -> list[str]:
    received: list[str] = []
    async with asyncio.timeout(60):
        async for delivery in subscription.deliveries():
            received.append(delivery.payload.decode())
            if commit:
                await subscription.commit(delivery)
            if len(received) == count:
                break
    return received


def messages(key: str, *values: str) -> list[OutgoingMessage]:
    return [OutgoingMessage(new_uuid(), TOPIC, key, value.encode(), {"h": "1"}) for value in values]


async def keep(uow: UnitOfWork, delivery: Delivery) -> None:
    """The effect of most consumers here: a row."""
    if delivery.payload == b"poison":
        raise InvalidMessage("cannot be read")
    await uow.execute(sa.insert(effects).values(key=delivery.key, value=delivery.payload.decode()))


async def kept(database: Database) -> list[str]:
    """Return the values of all effects, in the order in which they happened."""
    async with database.read() as connection:
        return list((await connection.scalars(sa.select(effects.c.value).order_by(effects.c.id))).all())


@asynccontextmanager
async def running(database: Database, bus: Bus, *consumers: AnyConsumer) -> AsyncIterator[None]:
    """Run consumers for as long as the block takes."""
    tasks = [asyncio.create_task(run_consumer(database, bus, consumer)) for consumer in consumers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class BusConformance:
    """Behaviour that services rely on."""

    async def test_every_group_gets_every_message_in_order_per_key(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2", "a3"))
        for group in ("one", "two"):
            async with member(bus, group) as subscription:
                assert await take(subscription, 3) == ["a1", "a2", "a3"]

    async def test_a_bus_that_is_there_passes_its_check_again_and_again(self, bus: Bus) -> None:
        for _ in range(3):
            await bus.check()

    async def test_a_group_goes_on_after_its_last_commit(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2", "a3"))
        async with member(bus, "one") as first:
            assert await take(first, 2) == ["a1", "a2"]
        async with member(bus, "one") as second:
            assert await take(second, 1) == ["a3"]

    async def test_what_was_not_committed_comes_again(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2"))
        async with member(bus, "one") as first:
            assert await take(first, 2, commit=False) == ["a1", "a2"]
        async with member(bus, "one") as second:
            assert await take(second, 2) == ["a1", "a2"]

    async def test_only_topics_asked_for_arrive(self, bus: Bus) -> None:
        other = OutgoingMessage(new_uuid(), "elsewhere.v1", "a", b"no", {})
        await bus.publish([other, *messages("a", "yes")])
        async with member(bus, "one") as subscription:
            assert await take(subscription, 1) == ["yes"]

    async def test_a_delivery_says_what_was_published(self, bus: Bus) -> None:
        sent = OutgoingMessage(new_uuid(), TOPIC, "schlüssel", b"\x00\xff", {"traceparent": "00-é"})
        await bus.publish([sent])
        async with member(bus, "one") as subscription, asyncio.timeout(60):
            delivery = await anext(subscription.deliveries())
        assert (delivery.event_id, delivery.topic, delivery.key) == (sent.event_id, sent.topic, sent.key)
        assert (delivery.payload, delivery.headers, delivery.attempt) == (sent.payload, sent.headers, 1)

    async def test_messages_published_while_waiting_arrive(self, bus: Bus) -> None:
        async with member(bus, "one") as subscription:
            waiting = asyncio.create_task(take(subscription, 1))
            await asyncio.sleep(0.2)
            await bus.publish(messages("a", "late"))
            assert await waiting == ["late"]

    async def test_a_paused_partition_yields_nothing_until_it_is_resumed(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1"))
        received: list[str] = []
        partitions: list[str] = []

        async def collect(subscription: Subscription) -> None:
            async for delivery in subscription.deliveries():
                received.append(delivery.payload.decode())
                partitions.append(delivery.partition)
                subscription.pause(delivery.partition)

        async def seen() -> list[str]:
            return received

        async with collecting(bus, "one", collect) as subscription:
            await until(seen, ["a1"])
            await bus.publish(messages("a", "a2"))
            await asyncio.sleep(1.0)
            assert received == ["a1"]
            subscription.resume(partitions[0])
            await until(seen, ["a1", "a2"])

    async def test_two_members_share_a_group_without_doubling(self, bus: Bus) -> None:
        received: list[str] = []

        async def collect(subscription: Subscription) -> None:
            async for delivery in subscription.deliveries():
                received.append(delivery.payload.decode())
                await subscription.commit(delivery)

        async def seen() -> list[str]:
            return sorted(received)

        async with collecting(bus, "one", collect), collecting(bus, "one", collect):
            await asyncio.sleep(0.3)
            await bus.publish(messages("a", "m1", "m2", "m3"))
            await until(seen, ["m1", "m2", "m3"])

    async def test_members_that_come_and_go_lose_and_double_nothing(self, bus: Bus, database: Database) -> None:
        consumer = Consumer("effects", [TOPIC], keep)
        expected: dict[str, list[str]] = {f"k{key}": [] for key in range(12)}
        async with running(database, bus, consumer):
            for round_ in range(4):
                member = asyncio.create_task(run_consumer(database, bus, consumer))
                for number in range(25):
                    for key, values in expected.items():
                        values.append(f"{key}-{round_}-{number}")
                    await bus.publish([message for key, values in expected.items() for message in messages(key, values[-1])])
                member.cancel()  # in the middle of its work
                await asyncio.gather(member, return_exceptions=True)

            async def seen() -> dict[str, list[str]]:
                by_key: dict[str, list[str]] = {key: [] for key in expected}
                for value in await kept(database):
                    by_key[value.split("-")[0]].append(value)
                return by_key

            await until(seen, expected, seconds=180)

    async def test_a_group_that_was_away_gets_what_was_kept_meanwhile(self, bus: Bus, database: Database) -> None:
        consumer = Consumer("effects", [TOPIC], keep)
        async with running(database, bus, consumer):
            await bus.publish(messages("a", "before"))
            await until(lambda: kept(database), ["before"])
        await bus.publish(messages("a", "meanwhile 1", "meanwhile 2"))
        async with running(database, bus, consumer):
            await bus.publish(messages("a", "after"))
            await until(lambda: kept(database), ["before", "meanwhile 1", "meanwhile 2", "after"])

    async def test_lags_say_how_far_groups_are_behind(self, bus: Bus) -> None:
        await bus.publish(messages("a", "a1", "a2", "a3"))
        async with member(bus, "one") as subscription:
            await take(subscription, 2)
        groups = {"one": [TOPIC], "two": [TOPIC, "elsewhere.v1"]}
        assert await bus.lags(groups) == {("one", TOPIC): 1, ("two", TOPIC): 3, ("two", "elsewhere.v1"): 0}

    async def test_an_effect_happens_once_though_the_message_is_delivered_twice(self, bus: Bus, database: Database) -> None:
        same = messages("k", "once")
        await bus.publish([*same, *same, *messages("k", "twice")])
        async with running(database, bus, Consumer("effects", [TOPIC], keep)):
            await until(lambda: kept(database), ["once", "twice"])

    async def test_poison_is_set_aside_with_its_reason_and_the_rest_goes_on(self, bus: Bus, database: Database) -> None:
        poison = messages("k", "poison")
        await bus.publish([*poison, *messages("k", "good")])
        async with running(database, bus, Consumer("effects", [TOPIC], keep)):
            await until(lambda: kept(database), ["good"])
        (letter,) = await bus.dead_letters.page("effects", limit=10)
        assert (letter.event_id, letter.topic, letter.key) == (poison[0].event_id, TOPIC, "k")
        assert (letter.payload, letter.headers, letter.reason) == (b"poison", {"h": "1"}, "cannot be read")
        assert (letter.group, letter.attempts) == ("effects", 1)

    async def test_a_repeatable_consumer_that_is_patient_gets_all_and_sets_poison_aside(
        self, bus: Bus, database: Database
    ) -> None:
        async def handle(database: Database, delivery: Delivery) -> None:
            async with database.begin() as uow:
                await keep(uow, delivery)

        same = messages("k", "again")
        await bus.publish([*messages("k", "first", "poison"), *same, *same])
        async with running(database, bus, RepeatableConsumer("effects", [TOPIC], handle, is_patient=True)):
            await until(lambda: kept(database), ["first", "again", "again"])
            await bus.publish(messages("k", "late"))
            await until(lambda: kept(database), ["first", "again", "again", "late"])
        assert [letter.payload for letter in await bus.dead_letters.page("effects", limit=10)] == [b"poison"]

    async def test_a_failing_effect_stops_only_its_partition_until_it_works(self, bus: Bus, database: Database) -> None:
        may_work = asyncio.Event()

        async def stubborn(uow: UnitOfWork, delivery: Delivery) -> None:
            if delivery.payload == b"a1" and not may_work.is_set():
                raise RuntimeError("not yet")
            await keep(uow, delivery)

        elsewhere = OutgoingMessage(new_uuid(), "elsewhere.v1", "b", b"b1", {})
        await bus.publish([*messages("a", "a1", "a2"), elsewhere])
        async with running(database, bus, Consumer("effects", [TOPIC, "elsewhere.v1"], stubborn)):
            await until(lambda: kept(database), ["b1"])
            await asyncio.sleep(1.5)
            assert await kept(database) == ["b1"]
            may_work.set()
            await until(lambda: kept(database), ["b1", "a1", "a2"])
        assert await bus.dead_letters.counts() == {}

    async def test_an_order_free_consumer_goes_on_and_tries_a_failed_message_later(
        self, bus: Bus, database: Database
    ) -> None:
        deliveries: list[int] = []

        async def fails_at_first(uow: UnitOfWork, delivery: Delivery) -> None:
            if delivery.payload == b"weak":
                deliveries.append(delivery.attempt)
                if delivery.attempt == 1:
                    raise RuntimeError("not yet")
            await keep(uow, delivery)

        await bus.publish(messages("a", "weak", "strong"))
        async with running(database, bus, Consumer("effects", [TOPIC], fails_at_first, is_order_free=True)):
            await until(lambda: kept(database), ["strong", "weak"])
        assert deliveries == [1, 1, 1, 2]
        assert await bus.dead_letters.counts() == {}

    async def test_a_message_that_fails_every_time_ends_in_the_dead_letters(self, bus: Bus, database: Database) -> None:
        async def fails(uow: UnitOfWork, delivery: Delivery) -> None:
            if delivery.payload == b"hopeless":
                raise RuntimeError("never")
            await keep(uow, delivery)

        await bus.publish(messages("a", "hopeless", "fine"))
        async with running(database, bus, Consumer("effects", [TOPIC], fails, is_order_free=True)):
            await until(bus.dead_letters.counts, {"effects": 1})
        (letter,) = await bus.dead_letters.page("effects", limit=10)
        assert letter.payload == b"hopeless"
        assert letter.attempts == 1 + len(RETRY_DELAYS_SECONDS)
        assert "RuntimeError('never')" in letter.reason
        assert await kept(database) == ["fine"]

    async def test_a_replayed_message_goes_under_its_id_to_its_group_only(self, bus: Bus, database: Database) -> None:
        is_mended = False
        heard: list[tuple[str, str]] = []

        def consumer(group: str) -> Consumer:
            async def listen(uow: UnitOfWork, delivery: Delivery) -> None:
                if group == "one" and not is_mended:
                    raise InvalidMessage("not understood")
                heard.append((group, str(delivery.event_id)))

            return Consumer(group, [TOPIC], listen)

        (sent,) = messages("a", "odd")
        await bus.publish([sent])
        async with running(database, bus, consumer("one"), consumer("two")):
            await until(bus.dead_letters.counts, {"one": 1})
            is_mended = True
            assert await bus.dead_letters.replay("one", [sent.event_id, new_uuid()]) == 1

            async def told() -> list[tuple[str, str]]:
                return sorted(heard)

            await until(told, [("one", str(sent.event_id)), ("two", str(sent.event_id))])
            await asyncio.sleep(0.5)
        assert len(heard) == 2
        assert await bus.dead_letters.counts() == {}

    async def test_a_message_that_dies_again_is_one_dead_letter(self, bus: Bus, database: Database) -> None:
        (sent,) = messages("a", "poison")
        await bus.publish([sent])
        async with running(database, bus, Consumer("effects", [TOPIC], keep)):
            await until(bus.dead_letters.counts, {"effects": 1})
            first = await bus.dead_letters.find("effects", sent.event_id)
            assert first is not None
            await bus.dead_letters.replay("effects", [sent.event_id])

            async def died_again() -> bool:
                again = await bus.dead_letters.find("effects", sent.event_id)
                return again is not None and again.dead_at > first.dead_at

            await until(died_again, True)
        assert await bus.dead_letters.counts() == {"effects": 1}

    async def test_dead_letters_are_paged_found_and_dropped(self, bus: Bus, database: Database) -> None:
        sent = messages("a", "poison", "poison", "poison")
        await bus.publish(sent)
        async with running(database, bus, Consumer("effects", [TOPIC], keep)):
            await until(bus.dead_letters.counts, {"effects": 3})
        letters = bus.dead_letters
        ids = [message.event_id for message in sent]
        assert _ids(await letters.page("effects", limit=2)) == ids[:2]
        assert _ids(await letters.page("effects", limit=2, after=ids[1])) == ids[2:]
        assert await letters.page("nobody", limit=2) == []
        assert await letters.find("effects", new_uuid()) is None
        assert await letters.drop("effects", [ids[0], new_uuid()]) == 1
        assert await letters.find("effects", ids[0]) is None
        assert _ids(await letters.page("effects", limit=9)) == ids[1:]


def _ids(letters: Any) -> list[Any]:
    found: list[DeadLetter] = list(letters)
    return [letter.event_id for letter in found]
