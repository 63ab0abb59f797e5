"""The ``limner`` command, run to its end."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
import pytest_asyncio

from tests.support.deployment import command
from tests.support.installation import DatabaseServer

Limner = Callable[..., Awaitable["subprocess.CompletedProcess[str]"]]


@pytest.fixture
def limner() -> Limner:
    """Runs a command with the variables given and none of the outer ``LIMNER_*``."""

    async def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
        return await asyncio.to_thread(
            subprocess.run,
            command(*map(str, arguments)),
            env={**outer, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(postgres: DatabaseServer) -> AsyncIterator[str]:
    """URL of a database without schemas."""
    neighbour = await postgres.clone()
    connection = await asyncpg.connect(neighbour)
    try:
        await connection.execute("CREATE DATABASE bare TEMPLATE template0")
        yield neighbour.replace(neighbour.partition("?")[0].rsplit("/", 1)[1], "bare", 1)
        await connection.execute("DROP DATABASE bare WITH (FORCE)")
    finally:
        await connection.close()
        await postgres.drop(neighbour)
