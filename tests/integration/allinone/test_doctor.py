"""``limner doctor`` says what is wrong and what to do."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from limner_allinone.composition import SERVICE_NAMES
from limner_allinone.home import keyrings_of
from tests.integration.allinone.conftest import Limner
from tests.support.deployment import new_keys
from tests.support.installation import DatabaseServer


async def test_a_healthy_home(process: Limner, tmp_path: Path) -> None:
    keyrings_of(tmp_path / "secrets.json", SERVICE_NAMES)
    done = await process("doctor", "--home", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[:6] for line in done.stdout.splitlines()[1:]] == ["ok    "] * 3
    assert f"{tmp_path}, " in done.stdout and "PostgreSQL" in done.stdout and "PyAV" in done.stdout


async def test_a_home_that_is_not_there_yet_is_no_fault(limner: Limner, tmp_path: Path) -> None:
    done = await limner("doctor", LIMNER_HOME=str(tmp_path / "later"))
    assert done.returncode == 0
    assert f"ok    home: {tmp_path / 'later'} does not exist yet; `limner up` makes it" in done.stdout
    assert not (tmp_path / "later").exists()


async def test_secrets_that_others_can_read(limner: Limner, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.json"
    keyrings_of(secrets, SERVICE_NAMES)
    secrets.chmod(0o644)
    done = await limner("doctor", "--home", tmp_path)
    assert done.returncode == 1
    assert f"FAIL  home: {secrets} is readable by others (mode 644).\n      Run: chmod 600 {secrets}\n" in done.stdout
    assert "ok    media libraries" in done.stdout


async def test_a_deployment_without_schemas(limner: Limner, empty_database: str, tmp_path: Path) -> None:
    done = await limner(
        "doctor", LIMNER_DATABASE_URL=empty_database, LIMNER_OBJECTS_FOLDER=str(tmp_path), LIMNER_UPSTREAMS="{}"
    )
    assert done.returncode == 1
    assert "ok    database (" in done.stdout and ": PostgreSQL 1" in done.stdout
    assert "Run: limner migrate all" in done.stdout
    for name in SERVICE_NAMES:
        assert f"The schema of service '{name}' is missing; run: limner migrate {name}" in done.stdout
    assert f"ok    object store ({tmp_path}): writes, range reads and deletes work" in done.stdout


async def test_a_deployment_with_a_service_that_is_away(limner: Limner, postgres: DatabaseServer, tmp_path: Path) -> None:
    done = await limner(
        "doctor",
        LIMNER_DATABASE_URL=await postgres.clone(),
        LIMNER_OBJECTS_FOLDER=str(tmp_path),
        LIMNER_UPSTREAMS='{"media": "http://127.0.0.1:9"}',
    )
    assert done.returncode == 1
    assert "ok    schemas: all present, at this version" in done.stdout
    assert "FAIL  service media (127.0.0.1:9): " in done.stdout


async def test_a_deployment_without_database(limner: Limner) -> None:
    done = await limner("doctor", LIMNER_DATABASE_URL="postgresql://postgres@127.0.0.1:9/limner")
    assert done.returncode == 1
    assert "FAIL  database (127.0.0.1:9/limner): " in done.stdout and "Traceback" not in done.stderr
    assert "skip  schemas: Not looked at, as it needs the database." in done.stdout
    assert "Set LIMNER_OBJECTS_FOLDER or LIMNER_OBJECTS_S3_URL" in done.stdout


async def test_variables_that_cannot_be_read_are_named(limner: Limner) -> None:
    done = await limner("doctor", LIMNER_DATABASE_URL="postgresql:///x", LIMNER_DATABASE_POOL_SIZE="none")
    assert done.returncode == 1
    assert done.stderr.startswith("limner: LIMNER_DATABASE_POOL_SIZE: ")


@pytest.fixture
def dead_address() -> Iterator[Callable[[], str]]:
    """Makes addresses at which nothing listens, nor can anybody else while the test runs."""
    with ExitStack() as held:

        def make() -> str:
            nobody = held.enter_context(socket.socket())
            nobody.bind(("127.0.0.1", 0))
            return f"127.0.0.1:{nobody.getsockname()[1]}"

        yield make


async def findings(limner: Limner, **environment: str) -> dict[str, dict[str, Any]]:
    """What the doctor tells programs, by check; it must have found something wrong and kept its secrets."""
    done = await limner("doctor", "--json", **environment)
    assert done.returncode == 1
    assert "s3cret" not in done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {"version", "python", "is_well", "findings"} and report["is_well"] is False
    assert all(set(found) == {"check", "status", "where", "message", "advice"} for found in report["findings"])
    return {found["check"]: found for found in report["findings"]}


async def test_engines_that_are_dead_are_named_with_what_to_do(limner: Limner, dead_address: Callable[[], str]) -> None:
    places = {name: dead_address() for name in ("database", "events", "redis", "object store")}
    found = await findings(
        limner,
        LIMNER_DATABASE_URL=f"postgresql://limner:s3cret@{places['database']}/limner",
        LIMNER_KAFKA_SERVERS=places["events"],
        LIMNER_REDIS_URL=f"redis://:s3cret@{places['redis']}/0",
        LIMNER_OBJECTS_S3_URL=f"http://{places['object store']}",
        LIMNER_OBJECTS_S3_ACCESS_KEY="limner",
        LIMNER_OBJECTS_S3_SECRET_KEY="s3cret-key",
    )
    for name, place in places.items():
        assert found[name]["status"] == "failed", found[name]
        assert place in found[name]["where"]
        assert f"Nothing can be reached at {place}: " in found[name]["message"]
        assert "LIMNER_" in found[name]["advice"]
    assert {found[name]["status"] for name in ("connections", "schemas", "clock")} == {"skipped"}
    assert found["media libraries"]["status"] == found["scratch"]["status"] == "ok"


async def test_keys_that_do_not_fit_are_named(limner: Limner, postgres: DatabaseServer, tmp_path: Path) -> None:
    private, public = new_keys()
    foreign, _ = new_keys()
    deployment = {
        "LIMNER_DATABASE_URL": await postgres.clone(),
        "LIMNER_OBJECTS_FOLDER": str(tmp_path),
        "LIMNER_SHARE_FOLDER": str(tmp_path / "missing"),  # something is wrong in any case
    }

    async def said(private_key: str, keys: dict[str, str]) -> str:
        found = await findings(limner, **deployment, LIMNER_PRIVATE_KEY=private_key, LIMNER_KEYS=json.dumps(keys))
        assert private_key not in str(found)
        return str(found["keys"]["message"])

    assert await said(private["media"], public) == "public keys of 6 services, the private key of media"
    assert "belongs to none" in await said(foreign["media"], public)
    assert "no public key of api" in await said(private["media"], {"media": public["media"]})
    assert "not base64" in await said("no key at all", public)


async def test_few_connections_and_a_pool_that_is_too_large(
    limner: Limner, postgres: DatabaseServer, tmp_path: Path
) -> None:
    database = {"LIMNER_DATABASE_URL": await postgres.clone(), "LIMNER_OBJECTS_FOLDER": str(tmp_path)}
    done = await limner("doctor", LIMNER_DATABASE_POOL_SIZE="5000", **database)
    assert done.returncode == 0, "a warning is no failure"
    assert "warn  connections: " in done.stdout and "LIMNER_DATABASE_POOL_SIZE" in done.stdout
    assert "ok    clock: 0.0 seconds from the database's" in done.stdout
