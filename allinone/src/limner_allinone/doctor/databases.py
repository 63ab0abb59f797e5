"""Checks of PostgreSQL: reachable, new enough, room for our connections, schemas, clock, replica."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import Enum, auto
from functools import partial
from typing import Any, Final

import asyncpg

from limner_allinone.composition import SERVICE_NAMES, definition_of
from limner_allinone.databases import session_url_from
from limner_allinone.doctor.findings import Check, Doubtful, Wrong, address_of, place_of
from limner_common.clock import utc_now
from limner_common.db import Database
from limner_common.db.engine import connect_asyncpg
from limner_common.db.migrations import SchemaOutdated, SchemaTooNew, require_current
from limner_common.grants import LEEWAY_SECONDS
from limner_common.settings import ServiceSettings

_OLDEST_VERSION: Final = 15
_PORT: Final = 5432
#: Six services and the workers of three of them, once each.
_PROCESSES: Final = 9
#: Beside its pool a process listens, looks at its queues for metrics, and whether it is ready.
_CONNECTIONS_BESIDE_POOL: Final = 4
_CLOCK_WARNING_SECONDS: Final = 2.0
_REPLICA_LAG_SECONDS: Final = 60.0
#: A pooler may take another session when others use it at the same time.
_TRIES: Final = 5
_ADVICE: Final = "Start PostgreSQL, or correct {variable}: host, port, user, password, name of the database and TLS."
_ROOM: Final = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS usable,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS of_role,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS of_database
"""


class Lending(Enum):
    """What a pooler before the database lends to a connection, if there is one."""

    NONE = auto()
    BY_CONNECTION = auto()
    BY_TRANSACTION = auto()


def database_checks(settings: ServiceSettings) -> Iterator[Check]:
    """Yield what is to look at in the database of a deployment, and in its replica where there is one."""
    url = settings.database_url.get_secret_value()
    yield _check("database", url, "LIMNER_DATABASE_URL", _database)
    yield Check("pooler", partial(_pooler, settings), needs="database")
    if settings.database_direct_url is not None:
        url = settings.database_direct_url.get_secret_value()
        yield _check("direct database", url, "LIMNER_DATABASE_DIRECT_URL", _direct_database)
    for name, examine in (("connections", _connections), ("schemas", _schemas), ("clock", _clock)):
        yield Check(name, partial(examine, settings), needs="database")
    if settings.database_replica_url is not None:
        url = settings.database_replica_url.get_secret_value()
        yield _check("replica", url, "LIMNER_DATABASE_REPLICA_URL", _replica)


def _check(name: str, url: str, variable: str, examine: Any) -> Check:
    advice = _ADVICE.format(variable=variable)
    return Check(name, partial(examine, url), place_of(url), advice, address_of(url, _PORT))


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    connection = await connect_asyncpg(url, statement_cache_size=0)  # PgBouncer may stand in between
    try:
        yield connection
    finally:
        await connection.close(timeout=2)


async def _database(url: str) -> str:
    async with _connected(url) as connection:
        version = await connection.fetchval("SHOW server_version")
        number = int(await connection.fetchval("SHOW server_version_num")) // 10_000
        is_readonly = await connection.fetchval("SELECT pg_is_in_recovery()")
    if number < _OLDEST_VERSION:
        raise Wrong(f"This is PostgreSQL {version}.", f"Upgrade it to PostgreSQL {_OLDEST_VERSION} or newer.")
    if is_readonly:
        raise Wrong(
            f"This PostgreSQL {version} is a replica, which cannot be written.",
            "Name the primary in LIMNER_DATABASE_URL; a replica belongs into LIMNER_DATABASE_REPLICA_URL.",
        )
    return f"PostgreSQL {version}"


async def _direct_database(url: str) -> str:
    found = await _database(url)
    if await _lending(url) is Lending.BY_TRANSACTION:
        raise Wrong(
            "A pooler stands here too, which lends sessions by transaction.",
            "Name PostgreSQL itself in LIMNER_DATABASE_DIRECT_URL.",
        )
    return found


async def _pooler(settings: ServiceSettings) -> str:
    """Compare what stands before the database with what the settings say."""
    lending = await _lending(settings.database_url.get_secret_value())
    if not settings.database_is_behind_pgbouncer:
        if lending is Lending.BY_TRANSACTION:
            raise Wrong(
                "PgBouncer, or another pooler that lends sessions by transaction, stands before the database.",
                "Set LIMNER_DATABASE_IS_BEHIND_PGBOUNCER=true, and LIMNER_DATABASE_DIRECT_URL to PostgreSQL itself.",
            )
        return "none" if lending is Lending.NONE else "one that leaves sessions to connections"
    if settings.database_direct_url is None:
        raise Wrong(
            "LIMNER_DATABASE_IS_BEHIND_PGBOUNCER is set, and LIMNER_DATABASE_DIRECT_URL is not.",
            "Set it to PostgreSQL itself: listening, locks of sessions and migrations cannot go through a pooler.",
        )
    if lending is Lending.NONE:
        raise Doubtful(
            "LIMNER_DATABASE_IS_BEHIND_PGBOUNCER is set, and nothing stands before the database.",
            "Unset it: statements are prepared anew each time, and time limits are not set.",
        )
    return await _limits_of_role(settings)


async def _limits_of_role(settings: ServiceSettings) -> str:
    async with _connected(settings.database_url.get_secret_value()) as connection:
        limit = await connection.fetchval("SHOW statement_timeout")
    if limit == "0":
        raise Doubtful(
            "PgBouncer lets no time limits of ours through, and the role has none: a statement may take for ever.",
            f"Run: ALTER ROLE {{the user}} SET statement_timeout = '{settings.database_long_statement_seconds:.0f}s'",
        )
    return f"PgBouncer in transaction mode; statements may take {limit}"


async def _lending(url: str) -> Lending:
    """Find out what stands before a database: a pooler names a session of its own, not the server's."""
    async with _connected(url) as first, _connected(url) as second:
        is_pooled = first.get_server_pid() != await first.fetchval("SELECT pg_backend_pid()")
        if not is_pooled:
            return Lending.NONE
        sessions = {await one.fetchval("SELECT pg_backend_pid()") for _ in range(_TRIES) for one in (first, second)}
        # Two connections that are both open have two sessions unless these are lent for a transaction only.
        ours = {await first.fetchval("SELECT pg_backend_pid()") for _ in range(_TRIES)}
    return Lending.BY_TRANSACTION if len(sessions) == 1 or len(ours) > 1 else Lending.BY_CONNECTION


async def _connections(settings: ServiceSettings) -> str:
    async with _connected(session_url_from(settings)) as connection:
        row = await connection.fetchrow(_ROOM)
    usable = min([row["usable"], *(limit for limit in (row["of_role"], row["of_database"]) if limit >= 0)])
    found = f"{row['used']} of {usable} in use"
    if settings.database_is_behind_pgbouncer:
        return f"{found}; PgBouncer bounds ours"
    of_process = settings.database_pool_size + settings.database_pool_overflow + _CONNECTIONS_BESIDE_POOL
    wanted = of_process * _PROCESSES
    if wanted > usable:
        raise Doubtful(
            f"{found}, and {_PROCESSES} processes, each service and worker once, may open {wanted} ({of_process} each).",
            "Raise max_connections (or the limit of the role or the database), lower LIMNER_DATABASE_POOL_SIZE, "
            "or put PgBouncer in between.",
        )
    return f"{found}; {_PROCESSES} processes, each service and worker once, may open {wanted}"


async def _schemas(settings: ServiceSettings) -> str:
    problems = []
    advice = "Run: limner migrate all"
    for name in SERVICE_NAMES:
        definition = definition_of(name)
        database = Database(session_url_from(settings), definition.metadata, pool_size=1)
        try:
            await require_current(database, definition.migrations)
        except SchemaOutdated as error:
            problems.append(error.message)
        except SchemaTooNew as error:
            problems.append(error.message)
            advice = "Run the version of Limner that wrote it, or a newer one; or restore a backup."
        finally:
            await database.close()
    if problems:
        raise Wrong(". ".join(problem.removesuffix(".") for problem in problems) + ".", advice)
    return "all present, at this version"


async def _clock(settings: ServiceSettings) -> str:
    async with _connected(session_url_from(settings)) as connection:
        before = utc_now()
        theirs = await connection.fetchval("SELECT clock_timestamp()")
        after = utc_now()
    # Only what the time that the question took does not explain: on a busy machine that is long.
    skew = max(0.0, (before - theirs).total_seconds(), (theirs - after).total_seconds())
    found = f"{skew:.1f} seconds from the database's"
    advice = "Set both clocks by the same time servers: let chrony or systemd-timesyncd run here and there."
    if skew > LEEWAY_SECONDS:
        raise Wrong(f"This machine's clock is {found}; services do not believe each other beyond {LEEWAY_SECONDS}.", advice)
    if skew > _CLOCK_WARNING_SECONDS:
        raise Doubtful(f"This machine's clock is {found}.", advice)
    return found


async def _replica(url: str) -> str:
    async with _connected(url) as connection:
        version = await connection.fetchval("SHOW server_version")
        if not await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise Wrong(
                "This is no replica: it takes writes.", "Name a streaming replica of the database, or unset the variable."
            )
        behind = await connection.fetchval("SELECT extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8")
        is_fed = await connection.fetchval("SELECT count(*) FROM pg_stat_wal_receiver") > 0
    if not is_fed and (behind is None or behind > _REPLICA_LAG_SECONDS):
        raise Doubtful(
            "It receives nothing from the primary, so lists are read from the primary.",
            "Look at primary_conninfo and the replication slot of the replica.",
        )
    return f"PostgreSQL {version}, follows the primary"
