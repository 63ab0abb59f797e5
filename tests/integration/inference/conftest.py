"""The inference service on a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.installation import TestBench, database_server, test_bench


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[TestBench]:
    async with database_server(["inference"]) as server, test_bench(server, tmp_path, ["inference"]) as bench:
        yield bench
