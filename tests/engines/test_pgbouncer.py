"""The product behind PgBouncer in transaction mode, and what the doctor says of poolers."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from cvat_sdk import make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType

from tests.support.deployment import Deployment, command
from tests.support.engines import Engines
from tests.support.pgbouncer import PgBouncer, pgbouncer_before
from tests.support.pictures import write_pictures
from tests.support.product import ADMIN

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="session")]

BEHIND = {"LIMNER_DATABASE_IS_BEHIND_PGBOUNCER": "true"}


@pytest.fixture(scope="module")
def pgbouncer(engines: Engines) -> Iterator[PgBouncer]:
    with pgbouncer_before(engines.stack.postgres, "transaction") as bouncer:
        yield bouncer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database_url(engines: Engines) -> str:
    """A database whose sessions have the time limits that PgBouncer does not let through."""
    url = engines.new_database()
    connection = await asyncpg.connect(url)
    await connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET statement_timeout = '600s'")
    await connection.close()
    return url


@pytest.fixture(scope="module")
def deployment(
    engines: Engines, pgbouncer: PgBouncer, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    extra = {**engines.settings(), **BEHIND, "LIMNER_DATABASE_DIRECT_URL": database_url}
    running = Deployment(tmp_path_factory.mktemp("bounced"), pgbouncer.url(database_url), extra)
    try:
        running.migrate()
        running.start()
        yield running
        codes = running.stop()
        assert codes == dict.fromkeys(codes, 0), codes
    finally:
        running.kill()


async def test_people_work_with_it(deployment: Deployment, tmp_path: Path) -> None:
    """Upload, events, jobs, saves, lists, an export and a backup; and no process says that a session was not its own."""
    with make_client(deployment.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        tasks = [
            client.tasks.create_from_data(
                spec={"name": f"bounced {number}", "labels": [{"name": "car", "attributes": []}]},
                resource_type=ResourceType.LOCAL,
                resources=[str(path) for path in write_pictures(tmp_path / str(number), 3)],
                data_params={"image_quality": 80},
            )
            for number in range(2)
        ]
        for task in tasks:
            assert len(task.get_jobs()) == 1
            (label,) = task.get_labels()
            shape = models.LabeledShapeRequest(frame=0, label_id=label.id, type="rectangle", points=[1.0, 2.0, 30.0, 40.0])
            for _ in range(5):
                task.update_annotations(models.PatchedLabeledDataRequest(shapes=[shape]))
        assert {task.id for task in client.tasks.list()} >= {task.id for task in tasks}
        tasks[0].export_dataset("COCO 1.0", tmp_path / "coco.zip", include_images=True)
        assert len(tasks[0].get_annotations().shapes) >= 1
    backup = deployment.run("admin", "backup", "create", str(tmp_path / "backups"))
    assert backup.returncode == 0, backup.stdout + backup.stderr
    for title in deployment.processes:
        log = deployment.log(title)
        for word in ("prepared statement", "unsupported startup", "Traceback", "database_away"):
            assert word not in log, f"{title}: {log[-3000:]}"


async def test_the_doctor_finds_it_well(deployment: Deployment) -> None:
    done = deployment.run("doctor", "--json")
    found = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    for check in ("database", "pooler", "direct database", "schemas", "connections"):
        assert found[check]["status"] == "ok", found[check]
    assert "transaction mode" in found["pooler"]["message"] and "10min" in found["pooler"]["message"]


def finding(check: str, **environment: str) -> dict[str, Any]:
    """What the doctor says of one thing."""
    outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
    done = subprocess.run(
        command("doctor", "--json"), env={**outer, **environment}, capture_output=True, text=True, timeout=300
    )
    found: dict[str, dict[str, Any]] = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    return found[check]


async def test_a_pooler_that_nobody_told_of_is_found(pgbouncer: PgBouncer, database_url: str) -> None:
    found = finding("pooler", LIMNER_DATABASE_URL=pgbouncer.url(database_url))
    assert found["status"] == "failed", found
    assert "LIMNER_DATABASE_IS_BEHIND_PGBOUNCER=true" in found["advice"] and "_DIRECT_URL" in found["advice"]


async def test_a_direct_address_that_is_missing_or_not_direct_is_found(pgbouncer: PgBouncer, database_url: str) -> None:
    bounced = pgbouncer.url(database_url)
    missing = finding("pooler", LIMNER_DATABASE_URL=bounced, **BEHIND)
    assert missing["status"] == "failed" and "_DIRECT_URL is not" in missing["message"]
    indirect = finding("direct database", LIMNER_DATABASE_URL=bounced, LIMNER_DATABASE_DIRECT_URL=bounced, **BEHIND)
    assert indirect["status"] == "failed" and "pooler stands here too" in indirect["message"]


async def test_a_setting_without_a_pooler_is_doubted(database_url: str) -> None:
    found = finding("pooler", LIMNER_DATABASE_URL=database_url, LIMNER_DATABASE_DIRECT_URL=database_url, **BEHIND)
    assert found["status"] == "warning" and "Unset it" in found["advice"]
    assert finding("pooler", LIMNER_DATABASE_URL=database_url)["message"] == "none"


async def test_sessions_that_may_take_for_ever_are_told(engines: Engines, pgbouncer: PgBouncer) -> None:
    url = engines.new_database()
    found = finding("pooler", LIMNER_DATABASE_URL=pgbouncer.url(url), LIMNER_DATABASE_DIRECT_URL=url, **BEHIND)
    assert found["status"] == "warning" and "statement_timeout = '600s'" in found["advice"]


async def test_a_pooler_that_leaves_sessions_to_connections_is_no_matter(engines: Engines, database_url: str) -> None:
    with pgbouncer_before(engines.stack.postgres, "session") as bouncer:
        found = finding("pooler", LIMNER_DATABASE_URL=bouncer.url(database_url))
    assert found["status"] == "ok" and "leaves sessions" in found["message"], found


async def test_a_process_that_was_not_told_says_what_to_set(
    engines: Engines, pgbouncer: PgBouncer, database_url: str, tmp_path: Path
) -> None:
    settings = {**engines.object_settings("unused"), "LIMNER_CACHE_FOLDER": str(tmp_path)}
    foolish = Deployment(tmp_path, pgbouncer.url(database_url), settings)
    done = foolish.run("serve", "media", "--port", "0", name="media")
    assert done.returncode == 1
    assert "LIMNER_DATABASE_IS_BEHIND_PGBOUNCER" in done.stderr and "Traceback" not in done.stderr
    done = foolish.run("serve", "media", "--port", "0", name="media", **BEHIND)
    assert done.returncode == 1 and "Set LIMNER_DATABASE_DIRECT_URL" in done.stderr
