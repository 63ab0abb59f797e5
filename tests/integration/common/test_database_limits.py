"""How long statements, transactions and waiting may take, and what is said when they take longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from limner_common.db import Database, DatabaseOptions, Prepared, new_metadata
from limner_common.db.engine import connect_asyncpg
from limner_common.errors import ErrorKind, Unavailable
from tests.support.installation import DatabaseServer

SLEEP = sa.text("SELECT pg_sleep(30)")


@asynccontextmanager
async def database_with(postgres: DatabaseServer, *, pool_size: int = 2, **options: Any) -> AsyncIterator[Database]:
    url = await postgres.clone()
    database = Database(url, new_metadata("limits"), options=DatabaseOptions(**options), pool_size=pool_size)
    try:
        yield database
    finally:
        await database.close()
        await postgres.drop(url)


async def run(database: Database, way: str) -> None:
    if way == "driver":
        async with database.driver() as driver:
            await driver.execute(SLEEP.text)
    elif way == "read":
        async with database.read() as connection:
            await connection.execute(SLEEP)
    elif way == "lists":
        await database.lists.fetch(SLEEP)
    elif way == "prepared":
        async with database.begin() as uow:
            await Prepared(sa.select(sa.func.pg_sleep(30))).fetch(uow)
    else:
        async with database.begin() as uow:
            await uow.execute(SLEEP)


@pytest.mark.parametrize("way", ["driver", "read", "lists", "prepared", "begin"])
async def test_a_statement_that_takes_too_long_is_ended_and_said_to_be(postgres: DatabaseServer, way: str) -> None:
    async with database_with(postgres, statement_seconds=1.0) as database:
        with pytest.raises(Unavailable, match="too long") as caught:
            await run(database, way)
        # The server has ended it: the driver, which would give up later, calls the database away.
        assert (caught.value.kind, caught.value.code) == (ErrorKind.UNAVAILABLE, "database_slow")
        assert caught.value.retry_after_seconds
        async with database.read() as connection:
            assert await connection.scalar(sa.select(1)) == 1


async def test_long_units_of_work_get_their_time_and_give_it_back(postgres: DatabaseServer) -> None:
    limits = {"statement_seconds": 5.0, "long_statement_seconds": 60.0, "idle_transaction_seconds": 7.0}
    settings = sa.text("SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')")
    async with database_with(postgres, pool_size=1, **limits) as database:
        async with database.begin(is_long=True) as uow:
            assert (await uow.execute(settings)).one() == ("1min", "1min")
        async with database.begin() as uow:
            assert (await uow.execute(settings)).one() == ("5s", "7s")


async def until_ended(database: Database, session: int) -> None:
    """Wait until the server has ended a session."""
    raw = await database.raw_connect()
    try:
        async with asyncio.timeout(60):
            while await raw.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", session):
                await asyncio.sleep(0.05)
    finally:
        await raw.close()


async def test_a_transaction_that_does_nothing_is_ended(postgres: DatabaseServer) -> None:
    async with database_with(postgres, pool_size=1, idle_transaction_seconds=1.0) as database:
        with pytest.raises(Unavailable):
            async with database.begin() as uow:
                await until_ended(database, await uow.scalar(sa.text("SELECT pg_backend_pid()")) or 0)
                await uow.scalar(sa.select(1))
        async with database.begin() as uow:
            assert await uow.scalar(sa.select(1)) == 1


async def test_who_gets_no_connection_in_time_is_told_to_come_back(postgres: DatabaseServer) -> None:
    async with (
        database_with(postgres, pool_size=1, pool_wait_seconds=0.1) as database,
        database.read() as connection,
    ):
        assert await connection.scalar(sa.select(1)) == 1
        for way in ("driver", "read", "begin"):
            with pytest.raises(Unavailable) as caught:
                await run(database, way)
            assert caught.value.retry_after_seconds
            assert caught.value.code == "database_crowded"  # not away: nobody is to look for an outage


async def test_deadlocked_work_is_told_to_try_again(postgres: DatabaseServer) -> None:
    async with database_with(postgres) as database:
        async with database.begin() as uow:
            await uow.execute(sa.text("CREATE TABLE pairs AS SELECT n FROM generate_series(1, 2) n"))
        barrier = asyncio.Barrier(2)

        async def lock_both(first: int, second: int) -> str:
            lock = sa.text("UPDATE pairs SET n = n WHERE n = :n")
            try:
                async with database.begin() as uow:
                    await uow.execute(lock, {"n": first})
                    await barrier.wait()
                    await uow.execute(lock, {"n": second})
            except Unavailable as error:
                return error.code
            return "done"

        assert sorted(await asyncio.gather(lock_both(1, 2), lock_both(2, 1))) == ["database_busy", "done"]


async def test_a_standby_at_the_address_takes_no_changes(postgres: DatabaseServer) -> None:
    async with database_with(postgres) as database:
        with pytest.raises(Unavailable) as caught:
            async with database.begin() as uow:
                await uow.execute(sa.text("SET TRANSACTION READ ONLY"))
                await uow.execute(sa.text("CREATE TABLE refused (n int)"))
        assert caught.value.code == "database_read_only"


async def test_mistakes_in_statements_are_not_hidden(postgres: DatabaseServer) -> None:
    async with database_with(postgres) as database:
        with pytest.raises(sa.exc.ProgrammingError):
            async with database.read() as connection:
                await connection.execute(sa.text("SELECT nothing FROM nowhere"))
        with pytest.raises(FileNotFoundError):
            async with database.begin():
                raise FileNotFoundError


async def test_connections_say_who_made_them(postgres: DatabaseServer) -> None:
    async with database_with(postgres, application_name="limner-limits-worker") as database:
        raw = await database.raw_connect()
        async with database.read() as connection:
            names = await connection.scalars(
                sa.text("SELECT application_name FROM pg_stat_activity WHERE datname = current_database() ORDER BY 1")
            )
        await raw.close()
        assert names.all() == ["limner-limits-worker", "limner-limits-worker-session"]


async def test_a_raw_connection_may_wait_for_ever(postgres: DatabaseServer) -> None:
    async with database_with(postgres, statement_seconds=0.1) as database:
        raw = await database.raw_connect()
        await raw.execute("SELECT pg_sleep(0.4)")
        await raw.close()


async def test_an_unknown_host_is_away(postgres: DatabaseServer) -> None:
    database = Database("postgresql://postgres@nowhere.invalid/limner", new_metadata("limits"))
    with pytest.raises(Unavailable):
        async with database.read():
            pass
    with pytest.raises(Unavailable):
        await database.raw_connect()
    with pytest.raises(ConnectionError, match=r"nowhere|resol|Name|known"):
        await connect_asyncpg("postgresql://postgres@nowhere.invalid/limner")
    await database.close()
