"""The ``limner`` command, run to its end."""

import asyncio
import io
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import structlog

from limner_allinone.__main__ import main
from tests.support.deployment import command
from tests.support.installation import DatabaseServer


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Limner = Callable[..., Awaitable[Done]]


@pytest.fixture
def own_temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of one test: in the system's, a command tells what it removes of others that were killed."""
    with tempfile.TemporaryDirectory(prefix="limner-test-") as folder:
        Path(folder).chmod(0o711)  # as root, the database enters it as another user
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


@pytest.fixture
def limner(monkeypatch: pytest.MonkeyPatch, own_temporary: Path) -> Iterator[Limner]:
    """Runs a command in this process, with the variables given and none of the outer ``LIMNER_*``."""
    root = logging.getLogger()
    handlers, level, logs = list(root.handlers), root.level, structlog.get_config()

    async def run(*arguments: object, **environment: str) -> Done:
        for name in [name for name in os.environ if name.startswith("LIMNER_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["limner", *map(str, arguments)])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = await asyncio.to_thread(main)
        return Done(code, out.getvalue(), err.getvalue())

    yield run
    root.handlers[:], root.level = handlers, level
    structlog.configure(**logs)


@pytest.fixture
def process(own_temporary: Path) -> Limner:
    """The same in a process of its own, as people start it."""

    async def run(*arguments: object, **environment: str) -> Done:
        outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
        done = await asyncio.to_thread(
            subprocess.run,
            command(*map(str, arguments)),
            env={**outer, **environment},
            capture_output=True,
            text=True,
            timeout=180,
        )
        return Done(done.returncode, done.stdout, done.stderr)

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
