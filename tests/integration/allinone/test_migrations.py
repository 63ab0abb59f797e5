"""What a service makes of the version of its schema."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

import limner_analytics
from limner_analytics.service import definition
from limner_common.db import Database
from limner_common.db.migrations import SchemaOutdated, SchemaTooNew, migrate, require_current
from limner_common.db.probing import DatabaseCheck
from limner_common.errors import Unavailable
from tests.support.installation import DatabaseServer

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "later1"
down_revision = {before!r}
branch_labels = depends_on = None
oldest_code = {oldest!r}


def upgrade() -> None:
    {statement}


def downgrade() -> None:
    pass
"""


@pytest_asyncio.fixture(loop_scope="session")
async def database(postgres: DatabaseServer) -> AsyncIterator[Database]:
    url = await postgres.clone()
    database = Database(url, definition.metadata, pool_size=1)
    yield database
    await database.close()
    await postgres.drop(url)


async def revision_of(database: Database) -> str:
    async with database.read() as connection:
        return str(await connection.scalar(sa.text("SELECT version_num FROM analytics.alembic_version")))


Later = Callable[..., str]


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    """Makes the package of a release with one more migration, which older releases run on unless it is narrowing."""
    made = []

    def make(*, is_narrowing: bool = False, statement: str = "pass") -> str:
        name = f"later_migrations_{len(made)}"
        package = tmp_path / name
        shutil.copytree(Path(limner_analytics.__file__).parent / "migrations", package)
        versions = package / "versions"
        before = sorted(path.stem for path in versions.glob("2*.py"))[-1]
        script = LATER.format(before=before, oldest="later1" if is_narrowing else None, statement=statement)
        (versions / "99990101_0000_later.py").write_text(script)
        made.append(name)
        return name

    monkeypatch.syspath_prepend(str(tmp_path))
    yield make
    for name in made:
        sys.modules.pop(name, None)


async def test_the_schema_of_this_release_is_current(database: Database) -> None:
    await require_current(database, definition.migrations)


async def test_a_schema_that_is_not_there_is_missing(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("DROP SCHEMA analytics CASCADE"))
    with pytest.raises(SchemaOutdated, match="'analytics' is missing; run: limner migrate analytics"):
        await require_current(database, definition.migrations)


async def test_an_older_schema_is_refused_until_it_is_migrated(database: Database, later: Later) -> None:
    revision, newer = await revision_of(database), later()
    with pytest.raises(SchemaOutdated, match=f"older \\({revision}\\) than this version needs \\(later1\\)"):
        await require_current(database, newer)
    await migrate(database, newer)
    await require_current(database, newer)


async def test_a_newer_schema_serves_the_release_before_but_is_never_migrated(database: Database, later: Later) -> None:
    await migrate(database, later())
    await require_current(database, definition.migrations)
    with pytest.raises(SchemaTooNew, match="newer version \\(later1\\)"):
        await migrate(database, definition.migrations)


async def test_a_schema_from_which_something_was_taken_away_is_refused_by_older_releases(
    database: Database, later: Later
) -> None:
    await migrate(database, later(is_narrowing=True))
    with pytest.raises(
        SchemaTooNew, match=r"'analytics' was written by a newer version \(later1\)\. Start that version again"
    ):
        await require_current(database, definition.migrations)


async def test_a_check_notices_what_happens_to_the_schema_while_a_process_runs(database: Database, later: Later) -> None:
    check = DatabaseCheck(database.url, database.schema, definition.migrations)
    await check()
    await migrate(database, later(is_narrowing=True))
    with pytest.raises(SchemaTooNew):
        await check()
    await check.aclose()


async def test_two_migrations_at_once_take_turns(postgres: DatabaseServer, later: Later) -> None:
    newer = later(statement='op.create_table("once", sa.Column("x", sa.Integer), schema="analytics")')
    url = await postgres.clone()
    both = [Database(url, definition.metadata, pool_size=1) for _ in range(2)]
    await asyncio.gather(*(migrate(database, newer) for database in both))
    await require_current(both[0], newer)
    assert await revision_of(both[1]) == "later1"
    for database in both:
        await database.close()
    await postgres.drop(url)


async def test_a_migration_that_waits_for_others_gives_up_and_says_so(
    database: Database, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limner_common.db.migrations._LOCK_TIMEOUT", "200ms")
    newer = later(statement='op.add_column("events", sa.Column("x", sa.Integer), schema="analytics")')
    revision = await revision_of(database)
    holder = await database.raw_connect()
    async with holder.transaction():
        await holder.execute("LOCK TABLE analytics.events IN ACCESS SHARE MODE")
        with pytest.raises(Unavailable, match="others use its tables for longer than 200ms"):
            await migrate(database, newer)
    await holder.close()
    assert await revision_of(database) == revision
    await migrate(database, newer)
    await require_current(database, newer)
