"""Lists from a streaming replica: never older than what was committed, and from the primary whenever in doubt."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
import sqlalchemy as sa

from limner_common.db import Database, DatabaseOptions, new_metadata, replica
from limner_common.db.replica import LISTS_READ
from limner_common.errors import Unavailable
from tests.support.engines import Engines
from tests.support.standby import Standby, standby_of

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="session")]

_STATEMENT_SECONDS = 15.0
ALL = sa.text("SELECT n FROM notes ORDER BY n")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standby(engines: Engines) -> AsyncIterator[Standby]:
    with standby_of(engines.stack.postgres) as standby:
        await standby.start()
        yield standby


@dataclass
class Notes:
    """A table whose list is read from the replica."""

    database: Database
    written: int = 0

    async def write(self) -> None:
        self.written += 1
        async with self.database.begin() as uow:
            await uow.execute(sa.text("INSERT INTO notes VALUES (:n)"), {"n": self.written})

    async def listed(self) -> list[int]:
        return [row.n for row in (await self.database.lists.fetch(ALL)).rows]

    @property
    def expected(self) -> list[int]:
        return list(range(1, self.written + 1))

    def read_from(self, server: str) -> float:
        return float(LISTS_READ.labels("notes", server)._value.get())


@pytest_asyncio.fixture(loop_scope="session")
async def notes(engines: Engines, standby: Standby, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Notes]:
    monkeypatch.setattr(replica, "_LAGGING_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(replica, "_AWAY_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(replica, "_WAIT_SECONDS", 60.0)  # on a busy machine a replica that is well takes its time too
    async for notes in _notes(engines.new_database(), standby):
        await _until_replica_answers(notes)  # making the database takes it a while
        LISTS_READ.clear()
        yield notes


async def _notes(url: str, standby: Standby) -> AsyncIterator[Notes]:
    options = DatabaseOptions(replica_url=standby.url(url), statement_seconds=_STATEMENT_SECONDS)
    database = Database(url, new_metadata("notes"), options=options, pool_size=4)
    try:
        async with database.begin() as uow:
            await uow.execute(sa.text("CREATE TABLE notes (n int PRIMARY KEY)"))
        yield Notes(database)
    finally:
        await database.close()


async def test_every_list_shows_what_was_written_before_it(notes: Notes) -> None:
    for _ in range(100):
        await notes.write()
        assert await notes.listed() == notes.expected

    assert notes.read_from("replica") > 50


async def test_lists_show_what_others_wrote_while_many_write(notes: Notes) -> None:
    async def write_on() -> None:
        while True:
            await notes.write()

    writing = asyncio.create_task(write_on())
    try:
        for _ in range(50):
            before = notes.written - 1  # the last one may not be committed yet
            assert len(await notes.listed()) >= before
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    assert notes.read_from("replica") > 0


async def test_a_replica_that_lags_is_not_asked_until_it_has_caught_up(
    notes: Notes, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    await notes.write()
    await notes.listed()
    monkeypatch.setattr(replica, "_WAIT_SECONDS", 0.1)
    await standby.execute("SELECT pg_wal_replay_pause()")
    try:
        await standby.wait("SELECT pg_get_wal_replay_pause_state() = 'paused'")  # it was only asked to
        await notes.write()
        before = notes.read_from("replica")
        for _ in range(3):
            assert await notes.listed() == notes.expected
            await asyncio.sleep(0.1)
        assert notes.read_from("replica") == before
    finally:
        await standby.execute("SELECT pg_wal_replay_resume()")
    await _until_replica_answers(notes)


async def test_a_replica_that_is_away_is_replaced_by_the_primary(notes: Notes, standby: Standby) -> None:
    await notes.write()
    await notes.listed()
    standby.stop()
    try:
        for _ in range(5):
            await notes.write()
            assert await notes.listed() == notes.expected
    finally:
        await standby.start()
    await _until_replica_answers(notes)


async def test_a_list_cancelled_by_replaying_is_read_from_the_primary(notes: Notes, standby: Standby) -> None:
    await notes.write()
    async with notes.database.begin() as uow:
        await uow.execute(sa.text("INSERT INTO notes SELECT generate_series(2, 1000)"))
    notes.written = 1000
    await _until_replica_answers(notes)
    # On the replica it is still looking at the rows when their removal is replayed.
    slow = sa.text("SELECT count(*) AS n, pg_sleep(CASE WHEN pg_is_in_recovery() THEN 14 ELSE 0 END) FROM notes")
    await standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = '100ms'")
    try:
        await standby.execute("SELECT pg_reload_conf()")
        listing = asyncio.create_task(notes.database.lists.fetch(slow))
        await standby.wait("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')")
        async with notes.database.begin() as uow:
            await uow.execute(sa.text("TRUNCATE notes"))
        listed = await listing
    finally:
        await standby.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
        await standby.execute("SELECT pg_reload_conf()")

    assert listed.rows[0].n == 0
    assert notes.read_from("primary") >= 1


async def test_a_server_that_follows_nobody_is_no_replica(engines: Engines) -> None:
    url = engines.new_database()
    options = DatabaseOptions(replica_url=engines.new_database())
    database = Database(url, new_metadata("notes"), options=options)
    LISTS_READ.clear()
    try:
        async with database.begin() as uow:
            await uow.execute(sa.text("CREATE TABLE notes AS SELECT 1 AS n"))

        assert [row.n for row in (await database.lists.fetch(ALL)).rows] == [1]
        assert LISTS_READ.labels("notes", "replica")._value.get() == 0
    finally:
        await database.close()


async def test_a_list_that_takes_too_long_is_not_begun_again(notes: Notes) -> None:
    await notes.write()
    await _until_replica_answers(notes)
    before = notes.read_from("primary")
    with pytest.raises(Unavailable, match="too long"):
        await notes.database.lists.fetch(sa.text("SELECT pg_sleep(60)"))
    assert notes.read_from("primary") == before


async def _until_replica_answers(notes: Notes) -> None:
    before = notes.read_from("replica")
    async with asyncio.timeout(60):
        while notes.read_from("replica") == before:
            assert await notes.listed() == notes.expected
            await asyncio.sleep(0.1)
