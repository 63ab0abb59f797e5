"""Signals by the database itself."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from limner_common.db import Database, new_metadata
from limner_common.signals import Signals
from tests.support.installation import DatabaseServer
from tests.support.signals_conformance import SignalsConformance


class TestPostgresSignals(SignalsConformance):
    @pytest_asyncio.fixture
    async def database(self, postgres: DatabaseServer) -> AsyncIterator[Database]:
        database = Database(await postgres.clone(), new_metadata("signals"), pool_size=2)
        yield database
        await database.close()

    @pytest.fixture
    def signals(self, database: Database) -> Signals:
        return database.signals
