"""The annotations service on its own database, with the catalog stubbed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.annotations.workshop import Workshop
from tests.support.installation import DatabaseServer, database_server, test_bench


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def annotations_postgres() -> AsyncIterator[DatabaseServer]:
    async with database_server(["annotations"]) as server:
        yield server


@pytest_asyncio.fixture
async def workshop(annotations_postgres: DatabaseServer, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with test_bench(annotations_postgres, tmp_path, ["annotations"]) as bench:
        yield Workshop(bench)
