"""The analytics service on a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.installation import DatabaseServer, TestBench, database_server, test_bench


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def analytics_server() -> AsyncIterator[DatabaseServer]:
    async with database_server(["analytics"]) as server:
        yield server


@pytest_asyncio.fixture
async def bench(analytics_server: DatabaseServer, tmp_path: Path) -> AsyncIterator[TestBench]:
    async with test_bench(analytics_server, tmp_path, ["analytics"]) as bench:
        yield bench
