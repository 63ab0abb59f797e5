"""What had to be remembered for a while is forgotten afterwards, and nothing else."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio
import sqlalchemy as sa

from limner_common.bus import LocalBus
from limner_common.clock import utc_now
from limner_common.db import Database, new_metadata
from limner_common.db.engine import connect_asyncpg
from limner_common.db.uow import OutgoingMessage
from limner_common.housekeeping import INBOX_KEPT, WORK_KEPT, tidy
from limner_common.ids import new_uuid
from tests.support.bus_conformance import take
from tests.support.installation import DatabaseServer

metadata = new_metadata("tidied")


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(await postgres.clone(), metadata)
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("CREATE SCHEMA tidied"))
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def test_only_old_ended_work_and_old_inbox_entries_go(database: Database) -> None:
    old, new = utc_now() - WORK_KEPT - timedelta(days=1), utc_now()
    states = [("done", old), ("failed", old), ("cancelled", old), ("done", new), ("queued", None), ("running", None)]
    items, inbox = database.table("work_items"), database.table("inbox")
    async with database.begin() as uow:
        for number, (state, finished_at) in enumerate(states):
            values = {"id": f"{number}", "kind": "k", "state": state, "payload": {}, "max_attempts": 1}
            await uow.execute(sa.insert(items).values(**values, finished_at=finished_at, created_at=old))
        for processed_at in (utc_now() - INBOX_KEPT - timedelta(days=1), new):
            await uow.execute(sa.insert(inbox).values(consumer="c", event_id=new_uuid(), processed_at=processed_at))
    await tidy(database)
    async with database.read() as connection:
        kept = (await connection.scalars(sa.select(items.c.id).order_by(items.c.id))).all()
        remembered = await connection.scalar(sa.select(sa.func.count()).select_from(inbox))
    assert (list(kept), remembered) == (["3", "4", "5"], 1)


async def test_the_log_keeps_what_a_group_has_not_read(database: Database) -> None:
    bus = LocalBus(database.url, retention_hours=1)
    await bus.prepare()
    try:
        await bus.publish([OutgoingMessage(new_uuid(), "t.v1", "k", value, {}) for value in (b"1", b"2", b"3")])
        subscription = await bus.subscribe("g", ["t.v1"])
        assert await take(subscription, 2) == ["1", "2"]
        await subscription.close()
        assert await bus.prune() == 0
        connection = await connect_asyncpg(database.url)
        await connection.execute("UPDATE bus.messages SET published_at = now() - interval '2 hours'")
        await connection.close()
        assert await bus.prune() == 2
        again = await bus.subscribe("g", ["t.v1"])
        assert await take(again, 1) == ["3"]
        await again.close()
    finally:
        await bus.close()
