"""``limner serve|work|migrate`` start only on what can work, and say what is missing."""

import base64
import json
import socket
from pathlib import Path

import asyncpg
import pytest

from limner_common.grants import new_private_key, public_key_of
from tests.integration.allinone.conftest import Limner
from tests.support.installation import DatabaseServer

PRIVATE = new_private_key()
KEY = base64.b64encode(PRIVATE).decode()
PUBLIC = base64.b64encode(public_key_of(PRIVATE)).decode()
OTHERS = {name: f"http://{name}:8000" for name in ("api", "media", "annotations")}


def settings(**changed: str | None) -> dict[str, str]:
    """Variables that are complete for ``exports``, less those changed to None."""
    complete = {
        "LIMNER_DATABASE_URL": "postgresql://postgres@127.0.0.1:9/limner",
        "LIMNER_KEYS": json.dumps({"api": PUBLIC, "exports": PUBLIC}),
        "LIMNER_PRIVATE_KEY": KEY,
        "LIMNER_UPSTREAMS": json.dumps(OTHERS),
        "LIMNER_OBJECTS_FOLDER": "/tmp/limner-never-made/objects",
        "LIMNER_CACHE_FOLDER": "/tmp/limner-never-made/cache",
    }
    return {name: value for name, value in {**complete, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"LIMNER_DATABASE_URL": None}, "Set LIMNER_DATABASE_URL."),
        ({}, "The database of LIMNER_DATABASE_URL cannot be used: "),
        ({"LIMNER_KEYS": None}, "Set LIMNER_KEYS with the public keys of all services; it has none of api, exports."),
        ({"LIMNER_KEYS": "{"}, "LIMNER_KEYS is not JSON."),
        (
            {"LIMNER_KEYS": '{"api": "AA==", "exports": "?"}'},
            "LIMNER_PRIVATE_KEY and LIMNER_KEYS hold base64 of 32 raw bytes",
        ),
        ({"LIMNER_PRIVATE_KEY": None}, "Set LIMNER_PRIVATE_KEY: the private key of 'exports', base64 of 32 raw bytes."),
        (
            {"LIMNER_PRIVATE_KEY": base64.b64encode(new_private_key()).decode()},
            "LIMNER_PRIVATE_KEY does not belong to the public key of 'exports' in LIMNER_KEYS.",
        ),
        (
            {"LIMNER_UPSTREAMS": None},
            "Set LIMNER_UPSTREAMS: 'exports' needs the addresses of annotations, api, media, as JSON",
        ),
        (
            {"LIMNER_UPSTREAMS": json.dumps({**OTHERS, "media": "media:8000"})},
            "LIMNER_UPSTREAMS: the address of 'media' does not begin with http:// or https://.",
        ),
        ({"LIMNER_DATABASE_POOL_SIZE": "0"}, "LIMNER_DATABASE_POOL_SIZE: Input should be greater than or equal to 1."),
    ],
    ids=lambda value: next(iter(value), "no-database") if isinstance(value, dict) else None,
)
async def test_serving_names_the_variable(limner: Limner, changed: dict[str, str | None], message: str) -> None:
    done = await limner("serve", "exports", **settings(**changed))
    assert done.returncode == 1
    assert done.stderr.startswith(f"limner: {message}"), done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("LIMNER_OBJECTS_FOLDER", "Set LIMNER_OBJECTS_FOLDER or LIMNER_OBJECTS_S3_URL: there is nowhere to keep objects."),
        ("LIMNER_CACHE_FOLDER", "Set LIMNER_CACHE_FOLDER or LIMNER_REDIS_URL: there is nowhere to keep the cache."),
    ],
)
async def test_serving_needs_places(limner: Limner, postgres: DatabaseServer, name: str, message: str) -> None:
    url = await postgres.clone()
    done = await limner("serve", "exports", **settings(**{"LIMNER_DATABASE_URL": url, name: None}))
    assert (done.returncode, done.stderr) == (1, f"limner: {message}\n")
    await postgres.drop(url)


async def test_serving_names_the_variable_of_one_service(limner: Limner, postgres: DatabaseServer, tmp_path: Path) -> None:
    url = await postgres.clone()
    places = {"LIMNER_OBJECTS_FOLDER": str(tmp_path / "objects"), "LIMNER_CACHE_FOLDER": str(tmp_path / "cache")}
    done = await limner("work", "exports", **settings(LIMNER_DATABASE_URL=url, **places, LIMNER_EXPORTS_THREADS="many"))
    assert done.returncode == 1
    assert done.stderr.startswith("limner: LIMNER_EXPORTS_THREADS: "), done.stderr
    await postgres.drop(url)


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_missing_schema_is_refused(process: Limner, empty_database: str, command: str) -> None:
    done = await process(command, "exports", **settings(LIMNER_DATABASE_URL=empty_database))
    assert (done.returncode, done.stderr) == (
        1,
        "limner: The schema of service 'exports' is missing; run: limner migrate exports\n",
    )


async def test_a_port_that_is_taken_is_named(limner: Limner, postgres: DatabaseServer, tmp_path: Path) -> None:
    url = await postgres.clone()
    places = {"LIMNER_OBJECTS_FOLDER": str(tmp_path / "objects"), "LIMNER_CACHE_FOLDER": str(tmp_path / "cache")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        given = settings(LIMNER_DATABASE_URL=url, **places)
        done = await limner("serve", "exports", "--host", "127.0.0.1", "--port", port, **given)
    assert done.returncode == 1
    assert f"limner: Limner cannot listen on 127.0.0.1:{port}: Address already in use. Choose another" in done.stderr
    await postgres.drop(url)


async def test_a_service_without_background_work_has_no_workers(
    limner: Limner, postgres: DatabaseServer, tmp_path: Path
) -> None:
    url = await postgres.clone()
    done = await limner(
        "work",
        "inference",
        LIMNER_DATABASE_URL=url,
        LIMNER_OBJECTS_FOLDER=str(tmp_path / "objects"),
        LIMNER_CACHE_FOLDER=str(tmp_path / "cache"),
        LIMNER_KEYS=json.dumps({"api": PUBLIC, "inference": PUBLIC}),
        LIMNER_PRIVATE_KEY=KEY,
    )
    assert done.returncode == 1
    assert "limner: The service 'inference' has no work to do in the background" in done.stderr
    await postgres.drop(url)


async def test_migrating_makes_the_schema_and_the_first_administrator_once(limner: Limner, empty_database: str) -> None:
    given = {"LIMNER_DATABASE_URL": empty_database, "LIMNER_ADMIN_USER": "root", "LIMNER_ADMIN_PASSWORD": "Long-enough-1"}
    first = await limner("migrate", "api", **given)
    assert first.returncode == 0, first.stderr
    assert "First administrator: root" in first.stdout and "Long-enough-1" not in first.stdout + first.stderr
    assert first.stdout.endswith("Schemas up to date: api\n")
    again = await limner("migrate", "api", **given)
    assert (again.returncode, again.stdout) == (0, "Schemas up to date: api\n")
    connection = await asyncpg.connect(empty_database)
    try:
        schemas = {row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")}
    finally:
        await connection.close()
    assert {"api", "bus"} <= schemas and "media" not in schemas


async def test_migrating_needs_a_database(limner: Limner) -> None:
    assert (await limner("migrate", "all")).stderr == "limner: Set LIMNER_DATABASE_URL.\n"
    done = await limner("migrate", "all", LIMNER_DATABASE_URL="postgresql://postgres@127.0.0.1:9/limner")
    assert done.returncode == 1
    assert done.stderr.startswith("limner: The database of LIMNER_DATABASE_URL cannot be used: ")
