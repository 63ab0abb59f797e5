"""Statements that go past SQLAlchemy: in its transaction, with its types, and gone with a caller who leaves."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_common.db import Database, Prepared, new_metadata
from tests.support.installation import DatabaseServer

METADATA = new_metadata("prepared")
NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("headers", pg.JSONB, nullable=False),
    sa.Column("tags", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
)
ADD = Prepared(pg.insert(NOTES).on_conflict_do_nothing().returning(NOTES.c.tags), ["id", "headers"])
TAG = Prepared(
    sa.update(NOTES)
    .where(NOTES.c.id == sa.bindparam("of_note"), sa.func.cardinality(NOTES.c.tags) < 1)
    .values(tags=sa.bindparam("new_tags"))
    .returning(NOTES.c.headers["kind"].astext.label("kind"))
)


@pytest_asyncio.fixture
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    url = await postgres.clone()
    database = Database(url, METADATA, pool_size=1)
    async with database.begin() as uow:
        await uow.execute(sa.schema.CreateSchema("prepared"))
        await uow.execute(sa.schema.CreateTable(NOTES))
    yield database
    await database.close()
    await postgres.drop(url)


async def kept(database: Database) -> list[tuple[int, object, list[str]]]:
    async with database.read() as connection:
        return [(row.id, row.headers, row.tags) for row in await connection.execute(sa.select(NOTES).order_by(NOTES.c.id))]


async def test_values_go_in_and_rows_come_out_as_elsewhere(database: Database) -> None:
    async with database.begin() as uow:
        (added,) = await ADD.fetch(uow, id=1, headers={"kind": "é"})
        assert added["tags"] == []
        assert await ADD.fetch(uow, id=1, headers={}) == []
        (tagged,) = await TAG.fetch(uow, of_note=1, new_tags=["a", "b"])
        assert tagged["kind"] == "é"
        assert await TAG.fetch(uow, of_note=1, new_tags=[]) == []
        with pytest.raises(KeyError, match="new_tags"):
            await TAG.fetch(uow, of_note=1)
    assert await kept(database) == [(1, {"kind": "é"}, ["a", "b"])]


async def until_asleep(database: Database) -> None:
    raw = await database.raw_connect()
    try:
        async with asyncio.timeout(60):
            while not await raw.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
                await asyncio.sleep(0.02)
    finally:
        await raw.close()


@pytest.mark.parametrize("is_first", [True, False])
async def test_it_belongs_to_the_transaction(database: Database, is_first: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as uow:
            if not is_first:
                await uow.execute(sa.insert(NOTES).values(id=1, headers={}))
            await ADD.fetch(uow, id=2, headers={})
            raise ZeroDivisionError
    assert await kept(database) == []


async def test_the_pool_is_whole_after_a_caller_left(database: Database) -> None:
    sleep = Prepared(sa.select(sa.func.pg_sleep(sa.bindparam("seconds"))))

    async def wait() -> None:
        async with database.begin() as uow:
            await ADD.fetch(uow, id=1, headers={})
            await sleep.fetch(uow, seconds=600)

    task = asyncio.create_task(wait())
    await until_asleep(database)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.begin() as uow:
        await ADD.fetch(uow, id=2, headers={})
    assert [note for note, *_ in await kept(database)] == [2]
