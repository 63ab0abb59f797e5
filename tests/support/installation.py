"""Services on a real PostgreSQL for tests: one server per run, a database cloned from a migrated template per test."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from pydantic import SecretStr

from limner_allinone.composition import SERVICE_NAMES, Installation, install, migrate_services
from limner_allinone.postgres import EmbeddedPostgres
from limner_common.grants import Grant, Keyring, new_private_key, public_key_of
from limner_common.http.granted import INTERNAL_ACTION
from limner_common.http.inprocess import InProcessTransport
from limner_common.settings import ServiceSettings


class DatabaseServer:
    """The run's PostgreSQL with a template database that has all schemas."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._count = 0

    async def prepare(self, names: Sequence[str]) -> None:
        # Nothing here outlives the run: waiting for the disk would only make it long.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            await self._execute(f"ALTER SYSTEM SET {setting} = off")
        await self._execute("SELECT pg_reload_conf()")
        await migrate_services(ServiceSettings(database_url=SecretStr(self._server.url())), names)

    async def clone(self) -> str:
        """Return the URL of a new database with all schemas, empty."""
        self._count += 1
        name = f"test_{self._count}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE limner")
        return self._server.url(name)

    async def drop(self, url: str) -> None:
        """Remove a cloned database."""
        name = url.partition("?")[0].rsplit("/", 1)[1]
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def database_server(names: Sequence[str] = SERVICE_NAMES) -> AsyncIterator[DatabaseServer]:
    with tempfile.TemporaryDirectory(prefix="limner-tests-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "data")
        await server.start()
        try:
            wrapper = DatabaseServer(server)
            await wrapper.prepare(names)
            yield wrapper
        finally:
            await server.stop()


def make_keyrings(names: Sequence[str] = SERVICE_NAMES) -> dict[str, Keyring]:
    private = {name: new_private_key() for name in names}
    public = {name: public_key_of(key) for name, key in private.items()}
    return {name: Keyring(name, key, public) for name, key in private.items()}


class TestBench:
    """Some services in this process, with clients that carry grants as the gateway would send them."""

    __test__ = False

    def __init__(self, installation: Installation, keyrings: dict[str, Keyring]) -> None:
        self.installation = installation
        self.keyrings = keyrings

    def container(self, service: str) -> Any:
        return self.installation.services[service].container

    def client(self, service: str, grant: Grant | None = None) -> httpx.AsyncClient:
        """Return a client of one service; with ``grant`` every request carries it, signed by ``api``."""
        headers = {} if grant is None else {"X-Limner-Grant": self.keyrings["api"].sign(grant, ttl_seconds=3600)}
        transport = InProcessTransport(self.installation.app(service))
        return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers, timeout=60)

    def internal_client(self, service: str, issuer: str = "exports") -> httpx.AsyncClient:
        """Return a client of a service's internal routes, speaking as another service."""
        signed = self.keyrings[issuer].sign(Grant(issuer=issuer, action=INTERNAL_ACTION), ttl_seconds=3600)
        transport = InProcessTransport(self.installation.app(service))
        return httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers={"X-Limner-Grant": signed}, timeout=60
        )


@asynccontextmanager
async def test_bench(
    server: DatabaseServer, folder: Path, names: Sequence[str], **settings: Any
) -> AsyncIterator[TestBench]:
    """Install services on a fresh database with folder adapters below ``folder``; loops and workers are not started."""
    keyrings = make_keyrings()
    url = await server.clone()
    built = ServiceSettings(
        database_url=SecretStr(url),
        database_pool_size=12,
        objects_folder=folder / "objects",
        cache_folder=folder / "cache",
        **settings,
    )
    try:
        async with install(built, keyrings, names) as installation:
            yield TestBench(installation, keyrings)
    finally:
        await server.drop(url)
