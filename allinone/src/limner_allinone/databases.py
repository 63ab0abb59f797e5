"""The databases that the settings describe, and what they say when they cannot be used, in words that name the variable."""

import contextlib
from collections.abc import Iterator
from typing import Any

import asyncpg
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

from limner_common.db import Database, DatabaseOptions
from limner_common.errors import Unavailable
from limner_common.settings import ServiceSettings
from limner_common.signals import Signals

#: PgBouncer passes no settings of a session on, and refuses connections that have some.
_POOLER_ADVICE = (
    "PgBouncer stands there: set LIMNER_DATABASE_IS_BEHIND_PGBOUNCER=true, "
    "and LIMNER_DATABASE_DIRECT_URL to PostgreSQL itself."
)


def database_from(
    settings: ServiceSettings, metadata: sa.MetaData, *, is_worker: bool = False, signals: Signals | None = None
) -> Database:
    """Return the database of a running service.

    Args:
        settings: Settings of this process.
        metadata: The service's tables.
        is_worker: Nobody waits for this process's answers: everything may take as long as long statements.
        signals: How processes wake each other; by the database when None.
    """
    direct, replica = settings.database_direct_url, settings.database_replica_url
    long_seconds = settings.database_long_statement_seconds
    options = DatabaseOptions(
        application_name=f"limner-{metadata.schema}{'-worker' if is_worker else ''}",
        pool_overflow=settings.database_pool_overflow,
        pool_wait_seconds=settings.database_pool_wait_seconds,
        statement_seconds=long_seconds if is_worker else settings.database_statement_seconds,
        long_statement_seconds=long_seconds,
        idle_transaction_seconds=long_seconds if is_worker else settings.database_idle_transaction_seconds,
        is_behind_pgbouncer=settings.database_is_behind_pgbouncer,
        direct_url=None if direct is None else direct.get_secret_value(),
        replica_url=None if replica is None else replica.get_secret_value(),
    )
    url = settings.database_url.get_secret_value()
    return Database(url, metadata, options=options, pool_size=settings.database_pool_size, signals=signals)


def own_database(url: str) -> dict[str, Any]:
    """Return the settings of a database on a socket of our own, whatever the environment says of other databases."""
    return {
        "database_url": SecretStr(url),
        **dict.fromkeys(
            (
                "database_direct_url",
                "database_replica_url",
                "database_sslmode",
                "database_ca_file",
                "database_certificate_file",
                "database_key_file",
            )
        ),
        "database_is_behind_pgbouncer": False,
    }


def session_url_from(settings: ServiceSettings) -> str:
    """Return the address at which a connection is a session of its own, for LISTEN, session locks and migrations."""
    return (settings.database_direct_url or settings.database_url).get_secret_value()


@contextlib.contextmanager
def named_database() -> Iterator[None]:
    """Turn a refused or missing database into a message.

    Raises:
        Unavailable: The database cannot be used.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The database of LIMNER_DATABASE_URL cannot be used: {error}") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, AsyncAdapt_asyncpg_dbapi.Error, sa.exc.DBAPIError) as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise Unavailable(sentence) from error


def _sentence(error: BaseException | None) -> str | None:
    """Return what is wrong with the database; None when it is something else."""
    while error is not None:
        match error:
            case asyncpg.ProtocolViolationError() if "unsupported startup parameter" in str(error):
                return f"The database of LIMNER_DATABASE_URL cannot be used: {error}. {_POOLER_ADVICE}"
            case asyncpg.PostgresConnectionError() | asyncpg.ClientConfigurationError() | asyncpg.InvalidCatalogNameError():
                return f"The database of LIMNER_DATABASE_URL cannot be used: {error}"
            case asyncpg.InvalidAuthorizationSpecificationError():
                return f"The database of LIMNER_DATABASE_URL refuses us: {error}"
        error = error.__cause__  # SQLAlchemy wraps what the driver raises
    return None
