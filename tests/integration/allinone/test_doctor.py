"""``limner doctor`` says what is wrong and what to do."""

from pathlib import Path

from limner_allinone.composition import SERVICE_NAMES
from limner_allinone.home import keyrings_of
from tests.integration.allinone.conftest import Limner
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
    assert f"FAIL  home: {secrets} is readable by others (mode 644); run: chmod 600 {secrets}" in done.stdout
    assert "ok    media libraries" in done.stdout


async def test_a_deployment_without_schemas(limner: Limner, empty_database: str, tmp_path: Path) -> None:
    done = await limner(
        "doctor", LIMNER_DATABASE_URL=empty_database, LIMNER_OBJECTS_FOLDER=str(tmp_path), LIMNER_UPSTREAMS="{}"
    )
    assert done.returncode == 1
    assert "ok    database: PostgreSQL" in done.stdout
    for name in SERVICE_NAMES:
        assert f"The schema of service '{name}' is missing; run: limner migrate {name}" in done.stdout
    assert "ok    object store: writes, range reads and deletes work" in done.stdout


async def test_a_deployment_with_a_service_that_is_away(limner: Limner, postgres: DatabaseServer, tmp_path: Path) -> None:
    done = await limner(
        "doctor",
        LIMNER_DATABASE_URL=await postgres.clone(),
        LIMNER_OBJECTS_FOLDER=str(tmp_path),
        LIMNER_UPSTREAMS='{"media": "http://127.0.0.1:9"}',
    )
    assert done.returncode == 1
    assert "ok    schemas: all present, at this version" in done.stdout
    assert "FAIL  service media: " in done.stdout


async def test_a_deployment_without_database(limner: Limner) -> None:
    done = await limner("doctor", LIMNER_DATABASE_URL="postgresql://postgres@127.0.0.1:9/limner")
    assert done.returncode == 1
    assert "FAIL  database: " in done.stdout and "Traceback" not in done.stderr
    assert "Set LIMNER_OBJECTS_FOLDER or LIMNER_OBJECTS_S3_URL" in done.stdout


async def test_variables_that_cannot_be_read_are_named(limner: Limner) -> None:
    done = await limner("doctor", LIMNER_DATABASE_URL="postgresql:///x", LIMNER_DATABASE_POOL_SIZE="none")
    assert done.returncode == 1
    assert done.stderr.startswith("limner: LIMNER_DATABASE_POOL_SIZE: ")
