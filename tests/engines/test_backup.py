"""A deployment on PostgreSQL and MinIO is backed up to a bucket and made again from it in another database and bucket."""

import asyncio
import io
import json
import os
import subprocess
from typing import Any

import asyncpg
import pytest

from tests.support.deployment import command
from tests.support.engines import Engines

#: Larger than one part of an upload of unknown length, and what no range divides evenly.
_LARGE_BYTES = (16 << 20) + 12_345
_FILL = (
    "INSERT INTO api.users (username, groups) SELECT 'user ' || n, '{user}' FROM generate_series(1, 50) n",
    "INSERT INTO api.projects (name, owner_id) SELECT E'a \\\\ project\\n' || id, id FROM api.users",
    "INSERT INTO api.tasks (name, project_id, owner_id) SELECT 'task ' || id, id, owner_id FROM api.projects",
    "INSERT INTO annotations.objects (job_id, id, created_rev, kind, frame, last_frame, label_id, type, doc)"
    " SELECT n % 40, n, 1, 1, 0, 0, 7, 1, decode(md5(n::text), 'hex') FROM generate_series(1, 2000) n",
)
_TABLES = ("api.users", "api.projects", "api.tasks", "annotations.objects")


class Place:
    """A database and a bucket, and commands on them."""

    def __init__(self, engines: Engines) -> None:
        self.bucket = engines.new_bucket()
        self.database_url = engines.new_database()
        self._settings = {**engines.object_settings(self.bucket), "LIMNER_DATABASE_URL": self.database_url}
        self._store = engines.minio()

    def limner(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        outer = {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_")}
        return subprocess.run(
            command(*arguments), env={**outer, **self._settings}, capture_output=True, text=True, timeout=300
        )

    def told(self, *arguments: str) -> str:
        done = self.limner(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def execute(self, *statements: str) -> list[list[tuple[Any, ...]]]:
        async def run() -> list[list[tuple[Any, ...]]]:
            connection = await asyncpg.connect(self.database_url)
            try:
                return [[tuple(row) for row in await connection.fetch(statement)] for statement in statements]
            finally:
                await connection.close()

        return asyncio.run(run())

    def rows(self) -> list[list[tuple[Any, ...]]]:
        return self.execute(*(f"SELECT * FROM {table} ORDER BY 1, 2" for table in _TABLES))

    def put(self, key: str, content: bytes) -> None:
        self._store.put_object(self.bucket, key, io.BytesIO(content), len(content))

    def contents(self) -> dict[str, bytes]:
        keys = [found.object_name for found in self._store.list_objects(self.bucket, recursive=True)]
        return {key: self._store.get_object(self.bucket, key).data for key in keys}


@pytest.fixture
def place(engines: Engines) -> Place:
    place = Place(engines)
    place.told("migrate", "all")
    place.execute(*_FILL)
    for number in range(20):
        place.put(f"media/tasks/1/{number:02}.png", b"%d" % (number // 2) * 100)
    place.put("media/tasks/2/video.mp4", os.urandom(_LARGE_BYTES))
    place.put("exports/results/empty", b"")
    return place


def test_what_is_restored_from_a_bucket_is_what_was_backed_up_to_it(engines: Engines, place: Place) -> None:
    target = engines.new_bucket()
    address = f"s3://{target}/of/limner"
    made = json.loads(place.told("admin", "backup", "create", address, "--json"))
    assert (made["objects"], made["copied"], made["missing"]) == (22, 12, 0), "what is twice there is copied once"
    place.told("admin", "backup", "verify", address)

    there = Place(engines)
    there.told("admin", "backup", "restore", address)
    assert there.contents() == place.contents()
    assert len(there.contents()["media/tasks/2/video.mp4"]) == _LARGE_BYTES
    assert there.rows() == place.rows()
    assert len(there.rows()[-1]) == 2000
    (next_user,) = there.execute("INSERT INTO api.users (username) VALUES ('next') RETURNING id")
    assert next_user == [(51,)], "ids go on where they were"

    store = engines.minio()
    held = [found for found in store.list_objects(target, recursive=True) if found.size == 100]
    store.remove_object(target, held[0].object_name)
    assert place.limner("admin", "backup", "verify", address, "--quick").returncode == 1
