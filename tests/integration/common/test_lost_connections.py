"""Connections that the server closed are not lent again."""

import asyncio

import asyncpg
import pytest
import sqlalchemy as sa

from limner_common.db import Database, new_metadata
from limner_common.db.engine import connect_asyncpg
from limner_common.errors import Unavailable
from tests.support.installation import DatabaseServer


async def end_others(url: str) -> None:
    connection = await connect_asyncpg(url)
    try:
        await connection.execute(
            # Waits for the end of each: what was closed by then is known to the clients after their next look.
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def until_sleeping(url: str) -> None:
    """Wait until a statement sleeps in the database."""
    connection = await connect_asyncpg(url)
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    try:
        async with asyncio.timeout(60):
            while not await connection.fetchval(asleep):
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


@pytest.mark.parametrize("way", ["read", "driver", "begin"])
async def test_next_use_after_an_outage_succeeds(postgres: DatabaseServer, way: str) -> None:
    url = await postgres.clone()
    database = Database(url, new_metadata("lost"), pool_size=2)

    async def use() -> int:
        if way == "driver":
            async with database.driver() as driver:
                return int(await driver.fetchval("SELECT 1"))
        if way == "read":
            async with database.read() as connection:
                return int(await connection.scalar(sa.select(1)) or 0)
        async with database.begin() as uow:
            return int(await uow.scalar(sa.select(1)))

    try:
        await asyncio.gather(use(), use())
        await end_others(url)
        assert await asyncio.gather(use(), use(), use()) == [1, 1, 1]
    finally:
        await database.close()


async def test_cancelled_use_does_not_spoil_the_connection(postgres: DatabaseServer) -> None:
    url = await postgres.clone()
    database = Database(url, new_metadata("lost"), pool_size=1)

    async def sleep() -> None:
        async with database.driver() as driver:
            await driver.execute("SELECT pg_sleep(300)")

    try:
        task = asyncio.create_task(sleep())
        await until_sleeping(url)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.driver() as driver:
            assert await driver.fetchval("SELECT 1") == 1
    finally:
        await database.close()


@pytest.mark.parametrize("way", ["driver", "begin"])
async def test_a_statement_whose_connection_is_cut_says_that_the_database_is_away(
    postgres: DatabaseServer, way: str
) -> None:
    url = await postgres.clone()
    database = Database(url, new_metadata("lost"), pool_size=1)

    async def sleep() -> None:
        if way == "driver":
            async with database.driver() as driver:
                await driver.execute("SELECT pg_sleep(300)")
        else:
            async with database.begin() as uow:
                await uow.execute(sa.text("SELECT pg_sleep(300)"))

    try:
        task = asyncio.create_task(sleep())
        await until_sleeping(url)
        await end_others(url)
        with pytest.raises(Unavailable) as error:
            await task
        assert error.value.retry_after_seconds
    finally:
        await database.close()


@pytest.mark.parametrize("way", ["read", "driver", "begin"])
async def test_a_server_that_takes_nobody_in_is_away(postgres: DatabaseServer, way: str) -> None:
    missing = sa.make_url(await postgres.clone()).set(database="being_restored").render_as_string(hide_password=False)
    database = Database(missing, new_metadata("lost"), pool_size=1)
    opened = {"read": database.read, "driver": database.driver, "begin": database.begin}[way]
    try:
        with pytest.raises(Unavailable) as refused:
            async with opened():
                pass
        assert refused.value.retry_after_seconds
    finally:
        await database.close()


async def test_a_server_without_room_is_away_for_the_moment(postgres: DatabaseServer) -> None:
    url = await postgres.clone()
    owner = await connect_asyncpg(url)
    await owner.execute("CREATE ROLE one_only LOGIN CONNECTION LIMIT 1")
    limited = url.replace("postgres@", "one_only@")
    database = Database(limited, new_metadata("lost"), pool_size=1)
    taken = await connect_asyncpg(limited)
    try:
        with pytest.raises(Unavailable):
            async with database.read() as connection:
                await connection.scalar(sa.select(1))
    finally:
        await taken.close()
        await database.close()
        await owner.execute("DROP ROLE one_only")
        await owner.close()


async def test_a_statement_that_meets_the_servers_farewell_says_so_and_its_connection_is_not_lent_again(
    postgres: DatabaseServer,
) -> None:
    database = Database(await postgres.clone(), new_metadata("lost"), pool_size=1)
    try:
        with pytest.raises(Unavailable) as caught:
            async with database.driver() as driver:
                met = driver
                # Raised when the farewell has arrived and the end of the connection has not: a moment no test can choose.
                raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
        assert caught.value.code == "database_away"
        async with database.driver() as driver:
            assert driver is not met and await driver.fetchval("SELECT 1") == 1
    finally:
        await database.close()


async def test_a_unit_of_work_that_cannot_be_rolled_back_after_the_servers_farewell_says_that_it_is_away(
    postgres: DatabaseServer,
) -> None:
    class Busy:
        """What the driver's transaction is after the farewell has arrived in the middle of a statement."""

        async def rollback(self) -> None:
            raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")

    database = Database(await postgres.clone(), new_metadata("lost"), pool_size=1)
    try:
        with pytest.raises(Unavailable) as caught:
            async with database.begin() as uow:
                await uow.execute(sa.select(1))
                (await uow.connection.get_raw_connection()).dbapi_connection._transaction = Busy()
                raise asyncpg.InternalClientError("cannot switch to state 21; another operation (2) is in progress")
        assert caught.value.code == "database_away"
        async with database.begin() as uow:
            assert await uow.scalar(sa.select(1)) == 1
    finally:
        await database.close()
