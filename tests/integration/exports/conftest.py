"""Exports, annotations and media on one database, with the catalog stubbed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.exports.depot import Depot
from tests.support.installation import DatabaseServer, database_server, test_bench

NAMES = ["media", "annotations", "exports"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def exports_postgres() -> AsyncIterator[DatabaseServer]:
    async with database_server(NAMES) as server:
        yield server


@pytest_asyncio.fixture
async def depot(exports_postgres: DatabaseServer, tmp_path: Path) -> AsyncIterator[Depot]:
    folder = tmp_path / "installation"
    async with test_bench(exports_postgres, folder, NAMES) as bench:
        yield Depot(bench, folder)
