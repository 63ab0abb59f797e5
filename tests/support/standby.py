"""A streaming replica of the engines' PostgreSQL."""

import asyncio
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from tools.engines.engine import free_ports
from tools.engines.postgres import Postgres

_START_SECONDS = 120
_WAIT_SECONDS = 60


class Standby:
    """A copy of a cluster that follows it.

    Args:
        primary: The cluster.
        folder: Where the copy goes; whoever runs the database has to be able to reach it.
    """

    def __init__(self, primary: Postgres, folder: Path) -> None:
        self._primary = primary
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """The URL of the copy of a database, which may be given by its own URL."""
        name = database.rpartition("/")[2]
        return f"postgresql://postgres:{self._primary.password}@127.0.0.1:{self._port}/{name}"

    def copy(self) -> None:
        """Copy the cluster as it is now."""
        self._data.mkdir(mode=0o700)
        identity = self._primary.identity()
        if identity:
            os.chown(self._data, identity["user"], identity["group"])
        source = f"host=127.0.0.1 port={self._primary.port} user=postgres password={self._primary.password}"
        done = subprocess.run(
            [self._bin / "pg_basebackup", "-D", self._data, "-d", source, "-R", "-c", "fast", "--no-sync"],
            capture_output=True,
            text=True,
            timeout=120,
            **identity,
        )
        assert done.returncode == 0, done.stderr

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-c", f"port={self._port}", "-c", "hot_standby=on"],
                stdout=log,
                stderr=log,
                env={**os.environ, **self._primary.environment()},
                preexec_fn=_die_with_parent,
                **self._primary.identity(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while not await self._answers():
            assert time.monotonic() < deadline and self._process.poll() is None, self._log.read_text()
            await asyncio.sleep(0.1)

    def stop(self) -> None:
        """Stop it; its data are kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    async def execute(self, statement: str) -> Any:
        """Run a statement on it and return the first value of its answer, if any."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def wait(self, question: str) -> None:
        """Wait until it answers a question with true."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while not await self.execute(question):
            assert time.monotonic() < deadline, f"waited {_WAIT_SECONDS} s in vain for: {question}"
            await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:
            await self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    @property
    def _bin(self) -> Path:
        return self._primary.supplies.postgres()


@contextmanager
def standby_of(primary: Postgres) -> Iterator[Standby]:
    """Copy a cluster; the copy is not started yet."""
    folder = Path(tempfile.mkdtemp(prefix="limner-standby-"))
    folder.chmod(0o711)
    standby = Standby(primary, folder)
    try:
        standby.copy()
        yield standby
    finally:
        standby.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGINT)
