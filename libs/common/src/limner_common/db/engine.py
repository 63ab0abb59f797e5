"""The connection pool of one service and the two ways to use it: read, or one unit of work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from limner_common.db.metrics import OUTAGES
from limner_common.db.outages import is_outage
from limner_common.db.pool import MeasuredPool, PoolUsage
from limner_common.db.uow import UnitOfWork
from limner_common.errors import Invalid, Unavailable

Row = sa.Row[*tuple[Any, ...]]

#: PostgreSQL's states for text that it cannot hold: NUL, and what has no UTF-8 form.
_UNSTORABLE_TEXT = ("22021", "22P05")
_UNSTORABLE_SENTENCE = "Texts must not contain null characters or unpaired surrogates."


class Database:
    """A service's PostgreSQL: one pool, used by Core statements, COPY and LISTEN.

    Args:
        url: ``postgresql://…`` or ``postgresql+asyncpg://…``; a unix socket folder goes into ``?host=``.
        metadata: The service's tables; its schema holds outbox, inbox and work items too.
        pool_size: Connections kept open.
        pool_overflow: Connections opened beyond that under load, closed again after use. Opening one costs more than
            waiting for most statements, so there are none by default.
    """

    def __init__(self, url: str, metadata: sa.MetaData, *, pool_size: int = 16, pool_overflow: int = 0) -> None:
        self.url = url
        self.metadata = metadata
        self._engine = create_async_engine(
            _asyncpg_url(url),
            poolclass=MeasuredPool,
            pool_logging_name=metadata.schema,
            pool_size=pool_size,
            max_overflow=pool_overflow,
            pool_timeout=10,
            pool_pre_ping=False,
            pool_recycle=1800,
            hide_parameters=True,  # errors end up in logs, and parameters are annotations, addresses and digests
            connect_args={"server_settings": {"application_name": f"limner-{metadata.schema}", "jit": "off"}},
        )
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        sa.event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    @property
    def schema(self) -> str:
        """Name of the service's schema."""
        assert self.metadata.schema is not None
        return self.metadata.schema

    def table(self, name: str) -> sa.Table:
        """Return one of the service's tables by its bare name."""
        return self.metadata.tables[f"{self.schema}.{name}"]

    @property
    def engine(self) -> AsyncEngine:
        """The underlying engine, for migrations and tests."""
        return self._engine

    def pool_usage(self) -> PoolUsage:
        """Return how busy the pool is now."""
        return cast(MeasuredPool, self._engine.sync_engine.pool).usage()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection without a transaction: one round trip per statement, no writes to commit.

        Raises:
            Unavailable: The database cannot be reached or the pool is exhausted.
        """
        async with _translate_outages(self.schema), self._autocommit.connect() as connection:
            yield connection

    @asynccontextmanager
    async def driver(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """Lend the driver's connection without a transaction: half the cost of ``read`` for one prepared statement.

        Raises:
            Unavailable: The database cannot be reached or the pool is exhausted.
        """
        async with _translate_outages(self.schema):
            lent = await self._engine.raw_connection()
            try:
                yield cast("asyncpg.Connection[Any]", lent.driver_connection)
            except asyncio.CancelledError:
                lent.invalidate()  # its protocol may be in the middle of an answer
                raise
            finally:
                await asyncio.shield(greenlet_spawn(lent.close))

    @asynccontextmanager
    async def begin(self, *, is_repeatable: bool = False) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work: committed when the block ends well, rolled back otherwise.

        Args:
            is_repeatable: REPEATABLE READ instead of READ COMMITTED: all statements see one snapshot.

        Raises:
            Unavailable: The database cannot be reached or the pool is exhausted.
        """
        async with _translate_outages(self.schema), self._engine.connect() as connection:
            if is_repeatable:
                connection = await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                uow = UnitOfWork(connection, self.metadata)
                yield uow
                await uow.flush()
            await uow.run_after_commit()

    async def raw_connect(self) -> "asyncpg.Connection[Any]":
        """Open a dedicated asyncpg connection outside the pool (LISTEN); the caller closes it."""
        return await connect_asyncpg(self.url)

    async def close(self) -> None:
        """Close all connections of the pool."""
        await self._engine.dispose()


async def connect_asyncpg(url: str) -> "asyncpg.Connection[Any]":
    """Open one asyncpg connection from either form of URL."""
    return await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1))


async def driver_connection(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    """Return the asyncpg connection below, in the same transaction: COPY and prepared fetches."""
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection[Any]", raw.driver_connection)


def _refuse_closed(adapted: Any, _record: Any, _lent: Any) -> None:
    """Keep connections that the server has closed meanwhile from being lent; the pool then opens new ones."""
    if adapted.driver_connection.is_closed():
        raise sa.exc.InvalidatePoolError


@asynccontextmanager
async def _translate_outages(schema: str) -> AsyncIterator[None]:
    try:
        yield
    except Exception as error:
        if is_outage(error):
            OUTAGES.labels(schema).inc()
            raise Unavailable("The database is not reachable at the moment.", retry_after_seconds=2) from error
        if _is_unstorable(error):
            raise Invalid(_UNSTORABLE_SENTENCE, code="unstorable_text") from error
        raise


def _is_unstorable(error: Exception) -> bool:
    if isinstance(error, sa.exc.DBAPIError):
        return getattr(error.orig, "sqlstate", None) in _UNSTORABLE_TEXT or isinstance(_root(error), UnicodeEncodeError)
    return isinstance(
        error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError | UnicodeEncodeError
    )


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _asyncpg_url(url: str) -> str:
    return url if url.startswith("postgresql+asyncpg://") else url.replace("postgresql://", "postgresql+asyncpg://", 1)
