"""Fixtures shared by all tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.installation import DatabaseServer, database_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[DatabaseServer]:
    """The run's PostgreSQL server with all schemas in a template."""
    async with database_server() as server:
        yield server
