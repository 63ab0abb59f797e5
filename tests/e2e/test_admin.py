"""``limner admin`` on a home whose product runs, and on one that is stopped."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from cvat_sdk import make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType

from limner_allinone.postgres import running_url
from tests.support.deployment import command
from tests.support.folders import make_enterable
from tests.support.pictures import write_pictures
from tests.support.product import ADMIN, Product
from tools.engines.engine import free_ports

pytestmark = pytest.mark.e2e

_DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose home these tests may spoil."""
    home = make_enterable(tmp_path_factory.mktemp("limner-admin"))
    (port,) = free_ports(1)  # it is stopped and started again there
    product = Product(home, url=f"http://127.0.0.1:{port}").start()
    yield product
    product.kill()


@pytest.fixture(scope="module")
def task_ids(own: Product, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """Two tasks of two and four pictures with a box each."""
    made = []
    with make_client(own.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        for count in (2, 4):
            task = client.tasks.create_from_data(
                spec={"name": f"{count} pictures", "labels": [{"name": "car", "attributes": []}]},
                resource_type=ResourceType.LOCAL,
                resources=[str(path) for path in write_pictures(tmp_path_factory.mktemp("pictures"), count)],
                data_params={"image_quality": 80},
            )
            shape = models.LabeledShapeRequest(
                type="rectangle", frame=0, label_id=task.get_labels()[0].id, points=[1.0, 2.0, 3.0, 4.0]
            )
            task.set_annotations(models.LabeledDataRequest(shapes=[shape]))
            made.append(task.id)
    return made


def admin(product: Product, *arguments: object, code: int = 0) -> str:
    """Run a command to its end and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_")}
    done = subprocess.run(
        command("admin", *map(str, arguments), "--home", str(product.home)),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def rows(product: Product, *arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(admin(product, *arguments, "--json"))
    return found


def leftovers(product: Product, *arguments: object) -> set[tuple[str, str, str]]:
    return {(row["what"], row["service"], row["name"]) for row in rows(product, "sweep", *arguments)}


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_storage_is_told_by_task_project_and_organization(own: Product, task_ids: list[int]) -> None:
    stored = sum(path.stat().st_size for path in (own.home / "objects" / "media").rglob("*") if path.is_file())
    by_task = rows(own, "storage")
    assert [(row["task_id"], row["objects"]) for row in by_task] == [(task_ids[1], 4), (task_ids[0], 2)]
    assert {row["annotation_rows"] for row in by_task} == {1} and all(row["annotation_bytes"] > 50 for row in by_task)
    assert sum(row["object_bytes"] for row in by_task) == stored > 0
    (whole,) = rows(own, "storage", "--by", "organization")
    assert (whole["organization"], whole["objects"], whole["object_bytes"]) == ("(personal)", 6, stored)
    (whole,) = rows(own, "storage", "--by", "project", "--sort", "rows")
    assert (whole["project"], whole["annotation_rows"]) == (None, 2)
    table = admin(own, "storage", "--limit", 1).splitlines()
    assert len(table) == 3 and "4 pictures" in table[1] and table[2].split()[3] == "(all)"


def test_nothing_that_is_used_is_left_over(own: Product, task_ids: list[int]) -> None:
    with make_client(own.url, credentials=ADMIN) as client:
        client.tasks.retrieve(task_ids[0]).get_frame(0, quality="compressed").read()  # fills the cache
    for path in (own.home / "objects").rglob("*"):
        if path.is_file():
            _make_older(path)
    assert admin(own, "sweep") == "Nothing is left over.\n"
    assert "may be about to refer" in admin(own, "sweep", "--older-than", "59m", code=2)


def test_what_belongs_to_nobody_is_found_and_removed_when_told_to(own: Product, task_ids: list[int]) -> None:
    objects, cache = own.home / "objects", own.home / "cache" / "entries"
    lost, fresh = objects / "media/tasks/77/raw/lost.png", objects / "media/tasks/77/raw/fresh.png"
    foreign, cached = objects / "somebody/else", cache / "media/gone/=chunk"
    for path in (lost, fresh, foreign, cached):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    _make_older(lost)
    _make_older(foreign)
    with make_client(own.url, credentials=ADMIN) as client:
        unfinished = client.tasks.create({"name": "unfinished", "labels": [{"name": "car", "attributes": []}]})
        _begin_upload(own, unfinished.id)
    # The fact of its deletion never came, as when a backup of another day was put beside it.
    asyncio.run(_execute(own, f"DELETE FROM api.tasks WHERE id = {task_ids[0]}"))
    asyncio.run(_execute(own, "UPDATE media.uploads SET touched_at = now() - interval '2 days'"))
    expected = {
        ("object", "media", "media/tasks/77/raw/lost.png"),
        ("cache", "media", "media/gone/"),
        ("upload", "media", "half.bin"),
        ("task", "media", str(task_ids[0])),
        ("task", "annotations", str(task_ids[0])),
    }
    assert leftovers(own) == expected
    assert "say --yes" in admin(own, "sweep", "--delete", code=1)
    assert leftovers(own) == expected and lost.exists(), "without a yes nothing happened"
    # What is in the cache of a task that this very sweep removes may be found with it, or go with the task.
    removed = leftovers(own, "--delete", "--yes")
    assert expected <= removed and {kind for kind, _, _ in removed - expected} <= {"cache"}
    until(lambda: not leftovers(own))
    assert (lost.exists(), fresh.exists(), foreign.exists(), cached.exists()) == (False, True, True, False)
    until(lambda: not (objects / f"media/tasks/{task_ids[0]}").exists())
    with make_client(own.url, credentials=ADMIN) as client:
        task = client.tasks.retrieve(task_ids[1])
        assert len(task.get_annotations().shapes) == 1
        assert task.get_frame(3, quality="original").read()


def test_a_stopped_home_is_looked_after_too(own: Product) -> None:
    assert own.stop() == 0
    admin(own, "users", "create", "ann", "--generate")
    assert [row["username"] for row in rows(own, "users", "list")] == ["admin", "ann"]
    assert not (own.home / "postgres" / "postmaster.pid").exists(), "the database stopped with the command"
    own.start()
    assert {row["username"] for row in rows(own, "users", "list")} == {"admin", "ann"}


def test_a_folder_without_installation_is_not_made_one(own: Product, tmp_path: Path) -> None:
    elsewhere = Product(tmp_path / "elsewhere")
    assert "There is no installation in" in admin(elsewhere, "users", "list", code=1)
    assert not elsewhere.home.exists()


def _make_older(path: Path) -> None:
    moment = time.time() - 2 * _DAY_SECONDS
    os.utime(path, (moment, moment))


def _begin_upload(product: Product, task_id: int) -> None:
    with httpx.Client(base_url=product.url, auth=ADMIN, timeout=60) as web:
        address = f"/api/tasks/{task_id}/data/"
        web.post(address, headers={"Upload-Start": "true"}).raise_for_status()
        created = web.post(
            address,
            headers={"Upload-Length": "10", "Tus-Resumable": "1.0.0", "Upload-Metadata": "filename aGFsZi5iaW4="},
        )
        part = web.patch(
            httpx.URL(created.headers["location"]).path,
            content=b"12345",
            headers={"Upload-Offset": "0", "Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"},
        )
        assert part.status_code == 204


async def _execute(product: Product, statement: str) -> None:
    url = running_url(product.home / "postgres")
    assert url is not None
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
