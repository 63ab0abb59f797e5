"""``limner doctor``: checks what an installation needs, and says what to do about what is missing."""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx

from limner_allinone.composition import SERVICE_NAMES, definition_of
from limner_allinone.configuration import read_settings
from limner_allinone.databases import session_url_from
from limner_allinone.home import Home, product_version
from limner_allinone.stores import object_store_from, redis_from
from limner_common.db import Database
from limner_common.db.engine import connect_asyncpg
from limner_common.db.migrations import SchemaOutdated, require_current
from limner_common.errors import Conflict, DomainError, Unavailable
from limner_common.settings import ServiceSettings

Check = Callable[[], Awaitable[str]]


async def examine(folder: Path) -> int:
    """Run all checks that apply here and print a line each; returns 1 when one failed.

    With ``LIMNER_DATABASE_URL`` set it examines that deployment, otherwise the embedded installation in ``folder``.
    """
    failed = False
    print(f"Limner {product_version()} on Python {sys.version.split()[0]}")
    for name, check in _checks(folder):
        try:
            print(f"ok    {name}: {await check()}")
        except (DomainError, OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError) as error:
            failed = True
            print(f"FAIL  {name}: {error}")
    return int(failed)


def _checks(folder: Path) -> Iterator[tuple[str, Check]]:
    if "LIMNER_DATABASE_URL" in os.environ:
        settings = read_settings()
        yield "database", lambda: _database(settings)
        yield "schemas", lambda: _schemas(settings)
        yield "object store", lambda: _objects(settings)
        if settings.redis_url is not None:
            yield "redis", lambda: _redis(settings)
        for name, address in sorted(settings.upstreams.items()):
            yield f"service {name}", partial(_service, address)
    else:
        home = Home(folder)
        yield "home", lambda: _home(home)
        yield "database binaries", _binaries
    yield "media libraries", _media


async def _home(home: Home) -> str:
    if not home.folder.exists():
        return f"{home.folder} does not exist yet; `limner up` makes it"
    free = shutil.disk_usage(home.folder).free // 1024**2
    mode = home.secrets_file.stat().st_mode & 0o777 if home.secrets_file.exists() else 0o600
    if mode != 0o600:
        raise PermissionError(
            f"{home.secrets_file} is readable by others (mode {mode:o}); run: chmod 600 {home.secrets_file}"
        )
    return f"{home.folder}, {free} MB free"


async def _binaries() -> str:
    from limner_allinone.postgres import EmbeddedPostgres

    return EmbeddedPostgres(Path()).version()


async def _database(settings: ServiceSettings) -> str:
    connection = await connect_asyncpg(settings.database_url.get_secret_value())
    try:
        return f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
    finally:
        await connection.close()


async def _schemas(settings: ServiceSettings) -> str:
    problems = []
    for name in SERVICE_NAMES:
        definition = definition_of(name)
        database = Database(session_url_from(settings), definition.metadata, pool_size=1)
        try:
            await require_current(database, definition.migrations)
        except SchemaOutdated as error:
            problems.append(error.message)
        finally:
            await database.close()
    if problems:
        raise Conflict(". ".join(problems))
    return "all present, at this version"


async def _service(address: str) -> str:
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.get(f"{address}/health/ready")
    if answer.status_code != 200:
        raise Unavailable(f"{address} is not ready: {', '.join(answer.json().get('problems', []))}")
    return f"{address} is ready"


async def _objects(settings: ServiceSettings) -> str:
    store = object_store_from(settings)
    key = "doctor/probe"
    await store.put_bytes(key, b"0123456789")
    try:
        piece = await store.get_bytes(key, start=2, length=3)
    finally:
        await store.delete(key)
    if piece != b"234":
        raise OSError("the store does not answer range reads correctly")
    return "writes, range reads and deletes work"


async def _redis(settings: ServiceSettings) -> str:
    server = redis_from(settings)
    assert server is not None
    try:
        problems = await server.examine()
    finally:
        await server.aclose()
    if problems:
        raise Conflict(" ".join(problems))
    return "answers, bounded, keeps what is used most"


async def _media() -> str:
    import av
    import PIL

    return f"PyAV {av.__version__}, Pillow {PIL.__version__}"
