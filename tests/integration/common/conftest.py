"""A PostgreSQL without any service's schema: mechanics are tested on tables of their own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.installation import DatabaseServer, database_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[DatabaseServer]:
    async with database_server(()) as server:
        yield server
