"""Readiness tells the truth: a busy process is ready, one without its database is not, and comes back by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from limner_allinone.composition import install
from limner_allinone.relays import relaying
from limner_common import readiness
from limner_common.db import Database, new_metadata
from limner_common.http.inprocess import InProcessTransport
from limner_common.readiness import Draining
from limner_common.settings import ServiceSettings
from tests.support.installation import DatabaseServer, make_keyrings
from tests.support.wires import Wire, wire_to

POOL_SIZE = 2


def settings_for(url: str, folder: Path) -> ServiceSettings:
    return ServiceSettings(
        database_url=SecretStr(url),
        database_pool_size=POOL_SIZE,
        database_pool_wait_seconds=0.5,
        objects_folder=folder / "objects",
        cache_folder=folder / "cache",
    )


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=InProcessTransport(app), base_url="http://testserver", timeout=30)


@asynccontextmanager
async def wired(postgres: DatabaseServer) -> AsyncIterator[tuple[str, Wire]]:
    """A database with all schemas, and the wire that leads to it."""
    url = await postgres.clone()
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    socket = Path(query["host"][0]) / f".s.PGSQL.{query.get('port', ['5432'])[0]}"
    async with wire_to(str(socket)) as wire:
        yield f"postgresql://postgres@{wire.address}{parts.path}?sslmode=disable", wire
    await postgres.drop(url)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are taken more often than in life."""
    monkeypatch.setattr(readiness, "_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(readiness, "_MISSING_INTERVAL_SECONDS", 0.1)


async def until(client: httpx.AsyncClient, status: str, *, seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        answer = await client.get("/health/ready")
        body: dict[str, Any] = answer.json()
        assert answer.status_code == (503 if body["status"] == "unavailable" else 200)
        if body["status"] == status:
            return body
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.05)


@pytest.mark.usefixtures("quickly")
async def test_a_service_whose_connections_are_all_lent_stays_ready(postgres: DatabaseServer, tmp_path: Path) -> None:
    async with (
        wired(postgres) as (url, _),
        install(settings_for(url, tmp_path), make_keyrings(), ("annotations",)) as installation,
        client_of(installation.app("annotations")) as client,
        AsyncExitStack() as lent,
    ):
        await until(client, "ok")
        database = installation.services["annotations"].resources.database
        for _ in range(POOL_SIZE):
            await lent.enter_async_context(database.driver())
        assert database.pool_usage().in_use == POOL_SIZE
        deadline = time.monotonic() + 1.5  # many looks
        while time.monotonic() < deadline:
            answer = await client.get("/health/ready")
            assert (answer.status_code, answer.json()["status"]) == (200, "ok")
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_a_database_that_goes_and_comes_back(
    postgres: DatabaseServer, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        wired(postgres) as (url, wire),
        install(settings_for(url, tmp_path), make_keyrings(), ("media",)) as installation,
        client_of(installation.app("media")) as client,
    ):
        assert (await until(client, "ok"))["checks"] == {"database": "ok", "bus": "ok", "objects": "ok"}
        if how == "cut":
            wire.is_cut = True
            wire.cut()
        else:
            monkeypatch.setattr(readiness, "_TIMEOUT_SECONDS", 1.0)
            wire.is_silent = True
        checks = (await until(client, "unavailable"))["checks"]
        assert checks["database"] != "ok" and checks["objects"] == "ok"
        assert wire.address not in str(checks), "strangers may ask"
        assert (await client.get("/health/live")).status_code == 200, "a restart would help nobody"
        wire.mend()
        await until(client, "ok")


@pytest.mark.usefixtures("quickly")
async def test_a_schema_that_is_not_for_this_release_takes_requests_from_it(
    postgres: DatabaseServer, tmp_path: Path
) -> None:
    async with (
        wired(postgres) as (url, _),
        install(settings_for(url, tmp_path), make_keyrings(), ("exports",)) as installation,
        client_of(installation.app("exports")) as client,
    ):
        await until(client, "ok")
        owner = Database(url, new_metadata("exports"), pool_size=1)
        async with owner.begin() as uow:
            await uow.execute(sa.text("UPDATE exports.alembic_version SET version_num = 'from_the_future'"))
            await uow.execute(sa.text("COMMENT ON SCHEMA exports IS 'serves nobody else'"))
        await owner.close()
        assert "newer version" in (await until(client, "unavailable"))["checks"]["database"]


@pytest.mark.usefixtures("quickly")
async def test_objects_that_are_gone_stop_workers_and_are_told_by_services(postgres: DatabaseServer, tmp_path: Path) -> None:
    settings = settings_for(await postgres.clone(), tmp_path)
    for is_worker, expected in ((False, "degraded"), (True, "unavailable")):
        async with (
            install(settings, make_keyrings(), ("media",), is_worker=is_worker) as installation,
            client_of(installation.app("media")) as client,
        ):
            await until(client, "ok")
            (tmp_path / "objects").rename(tmp_path / "elsewhere")
            (tmp_path / "objects").write_text("not a folder")
            body = await until(client, expected)
            assert {name for name, state in body["checks"].items() if state != "ok"} == {"objects"}
            (tmp_path / "objects").unlink()
            (tmp_path / "elsewhere").rename(tmp_path / "objects")
            await until(client, "ok")


@pytest.mark.usefixtures("quickly")
async def test_a_relay_is_not_ready_without_its_bus(postgres: DatabaseServer, tmp_path: Path) -> None:
    """Here the bus is a log table behind an address of its own; the database stays."""
    database_url = await postgres.clone()
    async with wired(postgres) as (bus_url, wire):
        settings = settings_for(database_url, tmp_path).model_copy(update={"database_direct_url": SecretStr(bus_url)})
        draining = Draining()
        async with relaying(settings, "media", draining) as relay, client_of(relay.app) as client:
            await until(client, "ok")
            wire.is_cut = True
            wire.cut()
            checks = (await until(client, "unavailable"))["checks"]
            assert checks["database"] == "ok" and checks["bus"] == "The event log is not reachable."
            wire.mend()
            await until(client, "ok")
            draining.begin()
            assert (await until(client, "unavailable"))["problems"] == ["The process is ending."]
