"""Backup and restore of a deployment's database and store, with what can go wrong."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
import yaml

from limner_allinone.admin.backup.loading import producer_of
from limner_allinone.composition import SERVICE_NAMES, migrate_services
from limner_common.bus import LocalBus
from limner_common.db import Database
from limner_common.db.holds import are_removals_held, hold_removals
from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid
from limner_common.objects import FolderObjectStore
from limner_common.settings import ServiceSettings
from tests.architecture.sources import ROOT
from tests.integration.allinone.conftest import Done, Limner
from tests.support.installation import DatabaseServer

_LARGE = 5 << 20


@dataclass
class World:
    """A deployment that is only its database and its store, a target, and the commands on them."""

    limner: Limner
    server: DatabaseServer
    folder: Path
    url: str

    @property
    def target(self) -> Path:
        return self.folder / "target"

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    async def backup(self, name: str, *arguments: object, url: str = "", objects: Path | None = None) -> Done:
        return await self.limner(
            "admin",
            "backup",
            name,
            self.target,
            *arguments,
            LIMNER_DATABASE_URL=url or self.url,
            LIMNER_OBJECTS_FOLDER=str(objects or self.objects),
        )

    async def create(self) -> dict[str, Any]:
        done = await self.backup("create", "--json")
        assert done.returncode == 0, done.stderr
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    async def execute(self, *statements: str, url: str = "") -> None:
        connection = await asyncpg.connect(url or self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def rows(self, query: str, url: str = "") -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url or self.url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()


_FILL = (
    "INSERT INTO api.users (username, groups) SELECT 'user ' || n, '{user}' FROM generate_series(1, 50) n",
    "INSERT INTO api.projects (name, owner_id) SELECT 'project ' || id, id FROM api.users",
    "INSERT INTO api.tasks (name, project_id, owner_id) SELECT E'a \\\\ task\\n\\t\"' || id, id, owner_id FROM api.projects",
    "INSERT INTO api.jobs (task_id, start_frame, stop_frame, frame_count) SELECT id, 0, 9, 10 FROM api.tasks",
    "INSERT INTO api.jobs (task_id, parent_job_id, start_frame, stop_frame, frame_count)"
    " SELECT task_id, id, 0, 4, 5 FROM api.jobs ORDER BY id DESC LIMIT 5",
    "SELECT nextval('annotations.object_ids') FROM generate_series(1, 3)",
    "INSERT INTO annotations.objects (job_id, id, created_rev, kind, frame, last_frame, label_id, type, doc)"
    " SELECT n % 40, n, 1, 1, 0, 0, 7, 1, decode(md5(n::text), 'hex') FROM generate_series(1, 2000) n",
    "INSERT INTO analytics.events (id, scope, source, occurred_at, payload)"
    " VALUES (gen_random_uuid(), 'load:job', 'client', now(), '{\"a\": [1, null, 2.5e-7]}')",
)


@pytest_asyncio.fixture(loop_scope="session")
async def world(postgres: DatabaseServer, tmp_path: Path, limner: Limner) -> AsyncIterator[World]:
    world = World(limner, postgres, tmp_path, await postgres.clone())
    await world.execute(*_FILL)
    store = FolderObjectStore(world.objects)
    await store.prepare()
    for number in range(20):
        await store.put_bytes(f"media/tasks/1/{number:02}.png", b"%d" % (number // 2) * 100)
    await store.put_bytes("media/tasks/2/video.mp4", os.urandom(_LARGE))
    await store.put_bytes("exports/results/empty", b"")
    await store.aclose()
    yield world


@pytest_asyncio.fixture(loop_scope="session")
async def empty(world: World, postgres: DatabaseServer) -> AsyncIterator[str]:
    """URL of a database without schemas."""
    name = "restored_" + world.url.partition("?")[0].rsplit("/", 1)[1]
    await world.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield world.url.replace(world.url.partition("?")[0].rsplit("/", 1)[1], name, 1)
    await world.execute(f"DROP DATABASE {name} WITH (FORCE)")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the objects of a folder store."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".incoming" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


async def test_what_is_restored_is_what_was_backed_up(world: World, empty: str) -> None:
    made = await world.create()
    assert (made["objects"], made["missing"], made["has_secrets"]) == (22, 0, False)
    assert (await world.backup("verify")).returncode == 0
    there = world.folder / "there"
    done = await world.backup("restore", url=empty, objects=there)
    assert done.returncode == 0, done.stderr
    assert contents(there) == contents(world.objects)
    for table in ("api.users", "api.tasks", "api.jobs", "annotations.objects", "analytics.events"):
        query = f"SELECT * FROM {table} ORDER BY 1, 2, 3"
        assert await world.rows(query, empty) == await world.rows(query) != []
    (new,) = await world.rows("INSERT INTO api.users (username) VALUES ('next') RETURNING id", empty)
    assert new == (51,), "ids go on where they were"
    ids = "SELECT nextval('annotations.object_ids')"
    assert await world.rows(ids, empty) == await world.rows(ids)


async def test_content_is_stored_once_and_only_what_is_new_is_copied(world: World) -> None:
    first = await world.create()
    assert first["copied"] == 12, "ten pictures twice each, a video, an empty file"
    assert (await world.create())["copied"] == 0
    store = FolderObjectStore(world.objects)
    await store.put_bytes("media/tasks/3/new.png", b"new")
    await store.put_bytes("media/tasks/3/again.png", b"1" * 100)
    await store.delete("media/tasks/1/00.png")
    await store.aclose()
    third = await world.create()
    assert (third["copied"], third["objects"]) == (1, 23)
    listed = json.loads((await world.backup("list", "--json")).stdout)
    assert [(row["state"], row["objects"]) for row in listed] == [("complete", 22), ("complete", 22), ("complete", 23)]
    for row in listed:
        assert (await world.backup("verify", "--id", row["id"])).returncode == 0


async def test_known_objects_are_not_even_read(world: World) -> None:
    await world.create()
    for path in world.objects.rglob("*.png"):
        status = path.stat()
        path.write_bytes(bytes(status.st_size))  # behind the store's back: whoever reads it sees other content
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (await world.create())["copied"] == 0


async def test_a_backup_is_for_its_owner_only(world: World) -> None:
    await world.create()
    loose = [path for path in [world.target, *world.target.rglob("*")] if path.stat().st_mode & 0o077]
    assert loose == []


async def test_secrets_of_a_deployment_are_not_ours_to_keep(world: World) -> None:
    done = await world.backup("create", "--include-secrets")
    assert done.returncode == 1 and "This deployment's grant keys are in its environment" in done.stderr
    assert not world.target.exists()


@pytest.mark.parametrize("what", ["table", "inventory", "content", "missing content", "cut table"])
async def test_damage_is_found(world: World, empty: str, what: str) -> None:
    await world.create()
    (backup,) = (world.target / "backups").iterdir()
    video = max((world.target / "objects").rglob("*"), key=lambda path: path.stat().st_size)
    match what:
        case "table":
            _flip(backup / "database/api.users.copy.gz", 40)
        case "cut table":
            path = backup / "database/annotations.objects.copy.gz"
            path.write_bytes(path.read_bytes()[:-20])
        case "inventory":
            _flip(backup / "inventory/000000.json.gz", 30)
        case "content":
            _flip(video, _LARGE // 2)
        case "missing content":
            video.unlink()
    done = await world.backup("verify")
    assert done.returncode == 1 and "is damaged" in done.stdout and done.stdout.startswith("FAIL  ")
    there = world.folder / "there"
    done = await world.backup("restore", url=empty, objects=there)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("limner: ") and "Traceback" not in done.stderr
    assert await _users(world, empty) == 0, "nobody sees a part of it"


async def test_quick_verification_finds_what_is_gone_but_not_what_is_changed(world: World) -> None:
    await world.create()
    video = max((world.target / "objects").rglob("*"), key=lambda path: path.stat().st_size)
    _flip(video, 7)
    assert (await world.backup("verify", "--quick")).returncode == 0
    video.unlink()
    assert (await world.backup("verify", "--quick")).returncode == 1


async def test_only_an_empty_place_is_filled(world: World, empty: str) -> None:
    await world.create()
    full = await world.backup("restore", objects=world.folder / "there")
    assert full.returncode == 1 and "The database is not empty: api.users has rows." in full.stderr
    there = world.folder / "there"
    store = FolderObjectStore(there)
    await store.prepare()
    await store.put_bytes("media/tasks/9/other.png", b"x")
    await store.aclose()
    full = await world.backup("restore", url=empty, objects=there)
    assert full.returncode == 1 and "The object store is not empty: it holds media/tasks/9/other.png" in full.stderr


async def test_an_interrupted_restore_goes_on(world: World, empty: str) -> None:
    await world.create()
    there = world.folder / "there"
    video = max((world.target / "objects").rglob("*"), key=lambda path: path.stat().st_size)
    hidden = video.rename(world.folder / "hidden")
    assert (await world.backup("restore", url=empty, objects=there)).returncode == 1
    assert len(contents(there)) > 0 and await _users(world, empty) == 0
    _flip(there / "media/tasks/1/03.png", 3)
    hidden.rename(video)
    done = await world.backup("restore", url=empty, objects=there)
    assert done.returncode == 0, done.stderr
    assert contents(there) == contents(world.objects), "what arrived damaged was copied again"
    assert await _users(world, empty) == 50


async def test_a_migrated_deployment_without_rows_is_empty(world: World, empty: str) -> None:
    await world.create()
    await migrate_services(ServiceSettings(database_url=empty))  # type: ignore[arg-type]
    done = await world.backup("restore", url=empty, objects=world.folder / "there")
    assert done.returncode == 0, done.stderr
    assert await _users(world, empty) == 50


async def test_a_backup_of_a_newer_version_is_refused(world: World, empty: str) -> None:
    await world.create()
    (manifest,) = (world.target / "backups").glob("*/manifest.json")
    told = json.loads(manifest.read_text())
    told["schemas"][0]["revision"] = "ffff"
    manifest.write_text(json.dumps(told))
    done = await world.backup("restore", url=empty, objects=world.folder / "there")
    assert done.returncode == 1 and "was written by a newer version (ffff)" in done.stderr
    assert not (world.folder / "there").exists() and await world.rows(_SCHEMAS, empty) == []
    manifest.write_text(json.dumps({**told, "format": 2}))
    assert "made by a newer version of Limner" in (await world.backup("verify")).stderr
    manifest.write_text("{}")
    assert "is damaged" in (await world.backup("verify")).stderr


_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname IN ('api', 'media')"


async def test_an_unfinished_backup_is_none(world: World) -> None:
    await world.create()
    (manifest,) = (world.target / "backups").glob("*/manifest.json")
    manifest.unlink()
    done = await world.backup("verify")
    assert done.returncode == 1 and "no complete backup" in done.stderr
    assert json.loads((await world.backup("list", "--json")).stdout)[0]["state"] == "unfinished"
    assert (await world.create())["copied"] == 0, "its content is not copied again"


async def test_remains_of_old_attempts_go_with_the_next_backup(world: World) -> None:
    first, second = (await world.create())["id"], (await world.create())["id"]
    for backup_id in (first, second):
        (world.target / "backups" / backup_id / "manifest.json").unlink()
    for path in (world.target / "backups" / first).rglob("*"):
        os.utime(path, (1, 1))
    third = (await world.create())["id"]
    assert {path.name for path in (world.target / "backups").iterdir()} == {second, third}


async def test_a_folder_with_something_else_is_no_target(world: World) -> None:
    world.target.mkdir()
    (world.target / "thesis.txt").write_text("mine")
    done = await world.backup("create")
    assert done.returncode == 1 and "holds something else (thesis.txt)" in done.stderr
    done = await world.backup("list")
    assert done.returncode == 1 and "holds no backups of Limner" in done.stderr
    assert contents(world.target) == {"thesis.txt": b"mine"}


async def test_objects_that_the_database_misses_are_named(world: World) -> None:
    await world.execute(
        "INSERT INTO exports.results (request_id, owner_id, task_id, cache_key, object_key, file_name, size_bytes, sha256,"
        " expires_at) VALUES ('r', 1, 5, 'c', 'exports/results/lost.zip', 'f', 1, '', now())"
    )
    done = await world.backup("create")
    assert done.returncode == 0 and "1 objects that the database speaks of were not in the store" in done.stdout
    (manifest,) = (world.target / "backups").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["missing"] == [
        {"key": "exports/results/lost.zip", "kind": "result", "task_id": 5}
    ]


async def test_facts_on_their_way_arrive_after_a_restore(world: World, empty: str) -> None:
    bus = LocalBus(world.url)
    messages = [OutgoingMessage(new_uuid(), "limner.catalog.task.v1", "7", b"%d" % n, {"h": str(n)}) for n in range(4)]
    try:
        await bus.publish(messages[:3])
        for group, count in (("fast", 3), ("slow", 1)):
            subscription = await bus.subscribe(group, ["limner.catalog.task.v1"])
            deliveries = subscription.deliveries()
            for _ in range(count):
                await subscription.commit(await anext(deliveries))
            await subscription.close()
    finally:
        await bus.close()
    await world.execute(
        "INSERT INTO api.outbox (event_id, topic, key, payload, headers)"
        f" VALUES ('{messages[3].event_id}', 'limner.catalog.task.v1', '7', '3', '{{}}')"
    )
    await world.create()
    done = await world.backup("restore", url=empty, objects=world.folder / "there")
    assert done.returncode == 0, done.stderr
    found = await world.rows("SELECT event_id, payload FROM api.outbox ORDER BY id", empty)
    assert found == [(message.event_id, message.payload) for message in messages[1:]]


def test_every_topic_has_a_producer() -> None:
    topics = yaml.safe_load((ROOT / "proto/topics.yaml").read_text())["topics"]
    assert {topic: producer_of(topic) for topic in topics} == {topic: told["producer"] for topic, told in topics.items()}


async def test_nothing_is_removed_while_a_backup_is_made(world: World) -> None:
    database = Database(world.url, sa.MetaData(schema="media"), pool_size=1)
    try:
        assert not await are_removals_held(database)
        holder = await asyncpg.connect(world.url)
        await hold_removals(holder)
        assert await are_removals_held(database)
        await holder.close()
        async with asyncio.timeout(60):
            while await are_removals_held(database):  # until the server has ended the session that is closed here
                await asyncio.sleep(0.05)
    finally:
        await database.close()


async def test_two_backups_at_once_are_refused(world: World) -> None:
    holder = await asyncpg.connect(world.url)
    await holder.execute("SELECT pg_advisory_lock(hashtextextended('limner:backup', 0))")
    done = await world.backup("create")
    assert done.returncode == 1 and "Another backup of this installation is being made." in done.stderr
    await holder.close()


async def test_no_service_is_forgotten(world: World) -> None:
    await world.create()
    (manifest,) = (world.target / "backups").glob("*/manifest.json")
    schemas = {schema["name"]: schema for schema in json.loads(manifest.read_text())["schemas"]}
    assert set(schemas) == {*SERVICE_NAMES, "bus"}
    kept = {f"{name}.{table['name']}" for name, schema in schemas.items() for table in schema["tables"]}
    assert {"api.users", "annotations.objects", "media.work_items", "bus.dead_letters"} <= kept
    assert not {name for name in kept if name.endswith("alembic_version") or "objects_p" in name}


async def _users(world: World, url: str) -> int:
    if not await world.rows("SELECT 1 WHERE to_regclass('api.users') IS NOT NULL", url):
        return 0
    ((count,),) = await world.rows("SELECT count(*) FROM api.users", url)
    return int(count)


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
