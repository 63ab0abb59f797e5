"""``limner admin work``: background work, by command line."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from limner_common.clock import utc_now
from limner_common.db import Database
from limner_common.errors import Invalid
from limner_common.requests import RequestDescription, payload_with_request
from limner_common.work import WorkContext, Worker
from tests.integration.allinone.conftest import Done, Limner
from tests.support import installation as support
from tests.support.bus_conformance import until
from tests.support.installation import DatabaseServer, TestBench


@dataclass
class World:
    """Two running services and ``limner admin work`` on their database."""

    bench: TestBench
    limner: Limner

    @property
    def exports(self) -> Database:
        database: Database = self.bench.container("exports").database
        return database

    async def admin(self, *arguments: object) -> Done:
        return await self.limner("admin", "work", *arguments, LIMNER_DATABASE_URL=self.exports.url)

    async def rows(self, *arguments: object) -> list[dict[str, Any]]:
        done = await self.admin(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    async def enqueue(self, item_id: str, **options: Any) -> None:
        request = RequestDescription(
            id=item_id, type="export:dataset", target="task", task_id=1, service="exports", user_id=7, username="ann"
        )
        queue = self.bench.container("exports").queue
        async with self.exports.begin() as uow:
            payload = payload_with_request(request, {"n": 1})
            await queue.enqueue(uow, item_id=item_id, kind="export", payload=payload, owner="user:7", **options)

    async def let_fail(self) -> None:
        async def refuse(_context: WorkContext) -> None:
            raise Invalid("The disk is full.")

        await Worker(self.exports, self.bench.container("exports").queue, {"export": refuse}).run_until_idle()

    async def request(self, item_id: str) -> tuple[str, str] | None:
        """Return status and message of what people see of the work."""
        async with self.bench.container("api").database.read() as connection:
            query = sa.text("SELECT status, message FROM api.requests WHERE id = :id")
            row = (await connection.execute(query, {"id": item_id})).one_or_none()
        return None if row is None else (row.status, row.message)


@pytest_asyncio.fixture(loop_scope="session")
async def world(postgres: DatabaseServer, tmp_path: Path, limner: Limner) -> AsyncIterator[World]:
    async with support.test_bench(postgres, tmp_path, ("api", "exports")) as bench:
        bench.installation.start_event_loops()
        yield World(bench, limner)


async def test_work_is_listed_by_state_kind_and_age(world: World) -> None:
    await world.enqueue("export-1")
    await world.let_fail()
    await world.enqueue("export-2")
    old = utc_now() - timedelta(hours=3)
    async with world.exports.begin() as uow:
        items = world.exports.table("work_items")
        await uow.execute(sa.update(items).where(items.c.id == "export-1").values(created_at=old))

    async def listed(*options: object) -> list[str]:
        return [row["id"] for row in await world.rows("list", *options)]

    assert await listed() == ["export-2", "export-1"]
    assert await listed("--state", "failed") == ["export-1"]
    assert await listed("--older-than", "2h") == ["export-1"]
    assert await listed("--service", "media") == []
    assert await listed("--kind", "ingest") == []
    assert await listed("--limit", "1") == ["export-2"]
    table = (await world.admin("list")).stdout
    assert "0d 03:00:" in table and "The disk is full." in table and "1/4" in table
    assert (await world.admin("list", "--kind", "ingest")).stdout == "There is no such work.\n"
    shown = json.loads((await world.admin("show", "export-1", "--json")).stdout)
    assert (shown["service"], shown["state"], shown["payload"]["n"]) == ("exports", "failed", 1)


async def test_what_people_see_follows_a_requeue(world: World) -> None:
    await world.enqueue("export-1")
    await world.let_fail()
    await until(lambda: world.request("export-1"), ("failed", "The disk is full."))
    done = await world.admin("requeue", "export-1", "--yes")
    assert done.returncode == 0 and done.stdout.splitlines()[1].split() == ["exports", "export-1", "queued"]
    await until(lambda: world.request("export-1"), ("queued", ""))
    await world.let_fail()
    await until(lambda: world.request("export-1"), ("failed", "The disk is full."))


async def test_all_that_failed_is_requeued_at_once(world: World) -> None:
    for number in range(3):
        await world.enqueue(f"export-{number}")
    await world.let_fail()
    rows = await world.rows("requeue", "--failed", "--service", "exports", "--yes")
    assert {(row["id"], row["state"]) for row in rows} == {(f"export-{number}", "queued") for number in range(3)}
    assert (await world.admin("requeue", "--failed", "--yes")).stdout == "There is no such work.\n"


async def test_queued_work_is_cancelled_with_its_request(world: World) -> None:
    await world.enqueue("export-1")
    await until(lambda: world.request("export-1"), ("queued", ""))
    assert (await world.rows("cancel", "export-1", "--yes"))[0]["state"] == "cancelled"
    await until(lambda: world.request("export-1"), None)
    done = await world.admin("cancel", "export-1", "export-9", "--yes")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split() == ["exports", "export-1", "cancelled"], "again is no harm"
    assert "There is no work export-9." in done.stdout


async def test_nothing_happens_without_a_yes_or_a_name(world: World) -> None:
    await world.enqueue("export-1")
    assert "say --yes" in (await world.admin("cancel", "export-1")).stderr
    assert "Name the work by its ids, or say --failed." in (await world.admin("requeue", "--yes")).stderr
    assert [row["state"] for row in await world.rows("list")] == ["queued"]
