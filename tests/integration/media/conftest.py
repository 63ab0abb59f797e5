"""The media service on its own database, with the catalog stubbed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.media.studio import Studio
from tests.support.installation import DatabaseServer, database_server, test_bench


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def media_postgres() -> AsyncIterator[DatabaseServer]:
    async with database_server(["media"]) as server:
        yield server


@pytest_asyncio.fixture
async def studio(media_postgres: DatabaseServer, tmp_path: Path) -> AsyncIterator[Studio]:
    share = tmp_path / "share"
    share.mkdir()
    folder = tmp_path / "installation"
    async with test_bench(media_postgres, folder, ["media"], share_folder=share) as bench:
        yield Studio(bench, share, folder)
