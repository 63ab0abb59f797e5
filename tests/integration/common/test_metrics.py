"""The page of metrics: what it samples, and that it is answered whatever is away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from limner_allinone.postgres import EmbeddedPostgres
from limner_common.bus import Consumer, Delivery, InvalidMessage, LocalBus, run_consumer
from limner_common.bus.relay import relay_once
from limner_common.db import Database, UnitOfWork, new_metadata
from limner_common.db.uow import OutgoingMessage
from limner_common.errors import Invalid, Unavailable
from limner_common.ids import new_uuid
from limner_common.observe import page as observed_page
from limner_common.observe.page import MetricsPage
from limner_common.observe.sampling import Sampled
from limner_common.work import WorkContext, Worker, WorkQueue
from tests.support.bus_conformance import until
from tests.support.folders import make_enterable
from tests.support.installation import DatabaseServer
from tests.support.metrics import samples, value

metadata = new_metadata("measured")
TOPIC = "limner.measured.thing.v1"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples may take as long as they do on a busy machine."""
    monkeypatch.setattr(observed_page, "_PATIENCE_SECONDS", 60.0)


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(await postgres.clone(), metadata, pool_size=2)
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE SCHEMA measured"))
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def bus(database: Database) -> AsyncIterator[LocalBus]:
    bus = LocalBus(database.url, poll_seconds=0.2)
    await bus.prepare()
    yield bus
    await bus.close()


async def record(database: Database, count: int) -> None:
    async with database.begin() as uow:
        for number in range(count):
            uow.record(OutgoingMessage(new_uuid(), TOPIC, str(number), b"x", {}))


async def enqueue(database: Database, kind: str, **options: int) -> None:
    async with database.begin() as uow:
        await WorkQueue().enqueue(uow, item_id=str(new_uuid()), kind=kind, payload={}, **options)  # type: ignore[arg-type]


async def rendered(database: Database, bus: LocalBus, **sampled: object) -> str:
    page = MetricsPage(bus)
    page.watch(Sampled(database, **sampled))  # type: ignore[arg-type]
    return (await page.render()).decode()


async def test_an_outbox_is_shown_until_it_is_relayed(database: Database, bus: LocalBus) -> None:
    await record(database, 3)
    async with database.begin() as uow:
        await uow.execute(sa.update(uow.table("outbox")).values(recorded_at=sa.text("now() - interval '1 hour'")))
    page = await rendered(database, bus)
    assert samples(page, "limner_outbox_messages")["measured",] == 3
    assert 3600 <= samples(page, "limner_outbox_oldest_age_seconds")["measured",] < 3700
    published = value("limner_relay_published_total", service="measured")
    await relay_once(database, bus)
    page = await rendered(database, bus)
    assert samples(page, "limner_outbox_messages")["measured",] == 0
    assert samples(page, "limner_outbox_oldest_age_seconds")["measured",] == 0
    assert samples(page, "limner_relay_published_total")["measured",] == published + 3


async def test_lag_is_what_a_group_has_not_done(database: Database, bus: LocalBus) -> None:
    await record(database, 5)
    await relay_once(database, bus)
    groups = {"measured.reader": [TOPIC, "limner.measured.other.v1"]}
    page = await rendered(database, bus, groups=groups)
    assert samples(page, "limner_consumer_lag_messages")["measured.reader", TOPIC] == 5
    assert samples(page, "limner_consumer_lag_messages")["measured.reader", "limner.measured.other.v1"] == 0
    subscription = await bus.subscribe("measured.reader", [TOPIC])
    deliveries = subscription.deliveries()
    for _ in range(2):
        await subscription.commit(await anext(deliveries))
    await subscription.close()
    page = await rendered(database, bus, groups=groups)
    assert samples(page, "limner_consumer_lag_messages")["measured.reader", TOPIC] == 3


async def test_tries_of_a_consumer_are_counted_by_outcome(database: Database, bus: LocalBus) -> None:
    failures = 1

    async def handle(_uow: UnitOfWork, delivery: Delivery) -> None:
        nonlocal failures
        if delivery.key == "1":
            raise InvalidMessage("poison")
        if delivery.key == "2" and failures:
            failures -= 1
            raise OSError("passes")

    def counted() -> list[float]:
        group, name = "measured.counting", "limner_consumer_messages_total"
        return [value(name, group=group, outcome=outcome) for outcome in ("handled", "dead_lettered", "failed")]

    async def handled() -> float:
        return counted()[0] - before[0]

    before = counted()
    await record(database, 3)
    await relay_once(database, bus)
    consumer = Consumer("measured.counting", (TOPIC,), handle)
    task = asyncio.create_task(run_consumer(database, bus, consumer))
    await until(handled, 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [2, 1, 1]


async def test_dead_letters_are_shown_by_group(database: Database, bus: LocalBus) -> None:
    async def handle(_uow: UnitOfWork, delivery: Delivery) -> None:
        if delivery.key != "0":
            raise InvalidMessage("poison")

    groups = {"measured.dying": [TOPIC], "measured.fine": [TOPIC]}
    await record(database, 3)
    await relay_once(database, bus)
    task = asyncio.create_task(run_consumer(database, bus, Consumer("measured.dying", (TOPIC,), handle)))
    await until(bus.dead_letters.counts, {"measured.dying": 2})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    shown = samples(await rendered(database, bus, groups=groups), "limner_consumer_dead_letters")
    assert (shown["measured.dying",], shown["measured.fine",]) == (2, 0)
    (letter, _) = await bus.dead_letters.page("measured.dying", limit=10)
    await bus.dead_letters.drop("measured.dying", [letter.event_id])
    shown = samples(await rendered(database, bus, groups=groups), "limner_consumer_dead_letters")
    assert shown["measured.dying",] == 1


async def test_a_queue_is_shown_by_kind_and_state(database: Database, bus: LocalBus) -> None:
    for kind in ("cut", "cut", "paste"):
        await enqueue(database, kind)
    async with database.begin() as uow:
        await uow.execute(sa.update(uow.table("work_items")).values(run_at=sa.text("now() - interval '1 minute'")))
        await WorkQueue().claim(uow, kinds=["paste"], lease_seconds=30, token=new_uuid())
    page = await rendered(database, bus, kinds=("cut", "paste", "idle"))
    assert samples(page, "limner_work_items") == {
        **{(kind, "measured", state): 0.0 for kind in ("cut", "paste", "idle") for state in ("queued", "running")},
        ("cut", "measured", "queued"): 2,
        ("paste", "measured", "running"): 1,
    }
    ages = samples(page, "limner_work_oldest_queued_age_seconds")
    assert 60 <= ages["cut", "measured"] < 120
    assert (ages["paste", "measured"], ages["idle", "measured"]) == (0, 0)
    assert samples(page, "limner_work_attempts_max") == {
        ("cut", "measured"): 0,
        ("paste", "measured"): 1,
        ("idle", "measured"): 0,
    }


async def test_attempts_are_counted_by_outcome(database: Database) -> None:
    async def handle(context: WorkContext) -> None:
        assert value("limner_worker_busy", service="measured") == 1
        if context.item.kind == "refused":
            raise Invalid("no")
        if context.item.kind == "away":
            raise Unavailable("later")

    def counted() -> dict[str, float]:
        kinds = {"fine": "done", "refused": "failed", "away": "retried"}
        return {
            kind: value("limner_work_item_seconds_count", service="measured", kind=kind, outcome=outcome)
            for kind, outcome in kinds.items()
        }

    before = counted()
    for kind in before:
        await enqueue(database, kind)
    worker = Worker(database, WorkQueue(), dict.fromkeys(before, handle))
    await worker.run_until_idle()
    assert {kind: count - before[kind] for kind, count in counted().items()} == {"fine": 1, "refused": 1, "away": 1}
    assert value("limner_worker_busy", service="measured") == 0
    assert value("limner_worker_slots", service="measured") == 2
    assert value("limner_work_wait_seconds_count", service="measured", kind="fine") >= 1


async def test_only_those_who_find_the_pool_lent_out_are_said_to_wait(database: Database) -> None:
    def waits() -> float:
        return value("limner_database_pool_wait_seconds_count", service="measured")

    before = waits()
    async with database.read(), database.read():
        assert waits() == before
        assert database.pool_usage() == (2, 2)
        third = asyncio.create_task(_read(database))
        await asyncio.sleep(0.05)
        assert not third.done()
    await third
    assert waits() == before + 1
    assert database.pool_usage() == (2, 0)


async def _read(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(sa.text("SELECT 1"))


async def test_an_exhausted_pool_does_not_keep_the_page_from_being_sampled(database: Database, bus: LocalBus) -> None:
    await record(database, 1)
    async with database.read(), database.read():
        page = await rendered(database, bus)
    assert samples(page, "limner_outbox_messages")["measured",] == 1
    assert samples(page, "limner_database_pool_in_use")["measured",] == 2
    assert samples(page, "limner_database_pool_size")["measured",] == 2


async def test_the_page_is_answered_without_a_database_and_says_so(tmp_path: Path) -> None:
    server = EmbeddedPostgres(make_enterable(tmp_path) / "data")
    await server.start()
    database = Database(server.url(), metadata)
    bus = LocalBus(server.url())
    page = MetricsPage(bus)
    page.watch(Sampled(database, ("cut",), {"measured.reader": [TOPIC]}))
    try:
        await bus.prepare()
        async with database.engine.begin() as connection:
            await connection.execute(sa.text("CREATE SCHEMA measured"))
            await connection.run_sync(metadata.create_all)
        await record(database, 1)
        shown = (await page.render()).decode()
        assert samples(shown, "limner_database_is_up")["measured",] == 1
        assert samples(shown, "limner_bus_is_up")[()] == 1
    finally:
        await server.stop()
    page._sampled_at = float("-inf")  # as if it were old
    shown = (await page.render()).decode()
    assert samples(shown, "limner_database_is_up")["measured",] == 0
    assert samples(shown, "limner_bus_is_up")[()] == 0
    for stale in ("limner_outbox_messages", "limner_work_items", "limner_consumer_lag_messages"):
        assert not [labels for labels in samples(shown, stale) if "measured" in labels or "measured.reader" in labels]
    await bus.close()
    await database.close()


async def test_a_sample_serves_all_who_ask_soon(database: Database, bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed_page, "_FRESH_SECONDS", 600.0)
    page = MetricsPage(bus)
    page.watch(Sampled(database))
    await page.render()
    await record(database, 2)
    assert samples((await page.render()).decode(), "limner_outbox_messages")["measured",] == 0


async def test_neighbours_are_told_apart_and_may_be_missing(database: Database, bus: LocalBus) -> None:
    page = MetricsPage(bus)
    page.watch(Sampled(database))

    async def other() -> str:
        return "# HELP limner_outbox_messages x\n# TYPE limner_outbox_messages gauge\n" + (
            'limner_outbox_messages{service="measured"} 7\n'
        )

    async def gone() -> str:
        raise ConnectionError

    page.join("worker", other)
    page.join("gone", gone)
    shown = (await page.render()).decode()
    found = samples(shown, "limner_outbox_messages")
    assert (found["server", "measured"], found["worker", "measured"]) == (0, 7)
    assert shown.count("# TYPE limner_outbox_messages gauge") == 1
