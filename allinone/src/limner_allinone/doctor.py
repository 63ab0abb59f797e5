"""``limner doctor``: checks what an installation needs, and says what to do about what is missing."""

import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg

from limner_allinone.composition import SERVICE_NAMES, object_store_from
from limner_allinone.home import Home, product_version
from limner_common.db.engine import connect_asyncpg
from limner_common.errors import DomainError
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
        except (DomainError, OSError, asyncpg.PostgresError) as error:
            failed = True
            print(f"FAIL  {name}: {error}")
    return int(failed)


def _checks(folder: Path) -> Iterator[tuple[str, Check]]:
    if "LIMNER_DATABASE_URL" in os.environ:
        settings = ServiceSettings()
        yield "database", lambda: _database(settings)
        yield "schemas", lambda: _schemas(settings)
        yield "object store", lambda: _objects(settings)
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
    connection = await connect_asyncpg(settings.database_url.get_secret_value())
    try:
        found = {row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")}
    finally:
        await connection.close()
    missing = [name for name in SERVICE_NAMES if name not in found]
    if missing:
        raise FileNotFoundError(f"no schema for {', '.join(missing)}; run: limner migrate all")
    return "all present"


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


async def _media() -> str:
    import av
    import PIL

    return f"PyAV {av.__version__}, Pillow {PIL.__version__}"
