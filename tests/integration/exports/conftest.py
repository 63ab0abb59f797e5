"""Exports, annotations and media on one database, with the catalog stubbed or real."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from limner_api.identity.bootstrap import ensure_admin
from tests.integration.exports.depot import Depot
from tests.integration.exports.town import ADMIN, Town
from tests.support.installation import DatabaseServer, database_server, test_bench

NAMES = ["media", "annotations", "exports"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def exports_postgres() -> AsyncIterator[DatabaseServer]:
    async with database_server(["api", *NAMES]) as server:
        yield server


@pytest_asyncio.fixture
async def depot(exports_postgres: DatabaseServer, tmp_path: Path) -> AsyncIterator[Depot]:
    folder = tmp_path / "installation"
    async with test_bench(exports_postgres, folder, NAMES) as bench:
        yield Depot(bench, folder)


@pytest_asyncio.fixture
async def town(exports_postgres: DatabaseServer, tmp_path: Path) -> AsyncIterator[Town]:
    folder = tmp_path / "installation"
    async with test_bench(exports_postgres, folder, ["api", *NAMES]) as bench:
        await ensure_admin(bench.container("api").database, *ADMIN, "admin@example.com")
        bench.installation.start_event_loops()
        bench.installation.start_workers()
        async with bench.client("api") as client:
            yield Town(bench, client)
