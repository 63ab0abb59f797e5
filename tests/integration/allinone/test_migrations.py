"""What a service makes of the version of its schema."""

import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

import limner_analytics
from limner_analytics.service import definition
from limner_common.db import Database
from limner_common.db.migrations import SchemaOutdated, SchemaTooNew, migrate, require_current
from tests.support.installation import DatabaseServer

LATER = """
revision = "later1"
down_revision = {before!r}
branch_labels = depends_on = None


def upgrade() -> None:
    pass


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


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The package of a release with one more migration."""
    package = tmp_path / "later_migrations"
    shutil.copytree(Path(limner_analytics.__file__).parent / "migrations", package)
    versions = package / "versions"
    before = sorted(path.stem for path in versions.glob("2*.py"))[-1]
    (versions / "99990101_0000_later.py").write_text(LATER.format(before=before))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "later_migrations"
    sys.modules.pop("later_migrations", None)


async def test_the_schema_of_this_release_is_current(database: Database) -> None:
    await require_current(database, definition.migrations)


async def test_a_schema_that_is_not_there_is_missing(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("DROP SCHEMA analytics CASCADE"))
    with pytest.raises(SchemaOutdated, match="'analytics' is missing; run: limner migrate analytics"):
        await require_current(database, definition.migrations)


async def test_an_older_schema_is_refused_until_it_is_migrated(database: Database, later: str) -> None:
    revision = await revision_of(database)
    with pytest.raises(SchemaOutdated, match=f"older \\({revision}\\) than this version needs \\(later1\\)"):
        await require_current(database, later)
    await migrate(database, later)
    await require_current(database, later)


async def test_a_newer_schema_serves_the_release_before_but_is_never_migrated(database: Database, later: str) -> None:
    await migrate(database, later)
    await require_current(database, definition.migrations)
    with pytest.raises(SchemaTooNew, match="newer version \\(later1\\)"):
        await migrate(database, definition.migrations)
