"""The connection pool of one service and the ways to use it: read, list, or one unit of work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, cast

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from limner_common.db.connecting import connect_asyncpg
from limner_common.db.options import DatabaseOptions
from limner_common.db.outages import outages_translated
from limner_common.db.pool import MeasuredPool, PoolUsage
from limner_common.db.replica import ListReader, Replica
from limner_common.db.uow import UnitOfWork
from limner_common.observe import tracing
from limner_common.signals.port import Signals
from limner_common.signals.postgres import PostgresSignals

__all__ = ["Database", "Row", "connect_asyncpg", "driver_connection"]

Row = sa.Row[*tuple[Any, ...]]

#: Beyond the server's own limit, for the case that the server itself hangs.
_GRACE_SECONDS: Final = 10.0
#: The primary can answer too.
_REPLICA_WAIT_SECONDS: Final = 1.0


class Database:
    """A service's PostgreSQL: one pool, used by Core statements, COPY and LISTEN.

    Args:
        url: ``postgresql://…`` or ``postgresql+asyncpg://…``; a unix socket folder goes into ``?host=``.
        metadata: The service's tables; its schema holds outbox, inbox and work items too.
        options: How connections are made and how long they may take.
        pool_size: Connections kept open.
        signals: How processes wake each other; by this database itself when None.
    """

    def __init__(
        self,
        url: str,
        metadata: sa.MetaData,
        *,
        options: DatabaseOptions | None = None,
        pool_size: int = 16,
        signals: Signals | None = None,
    ) -> None:
        self.url = url
        self.metadata = metadata
        self.options = options or DatabaseOptions()
        self.signals: Signals = signals or PostgresSignals(self.raw_connect)
        self._engine = _make_engine(url, self.schema, self.options, pool_size, pool_name=self.schema)
        self._for_reading = _for_reading(self._engine, self.options)
        self._replica = _replica_of(self.schema, self.options, pool_size)
        self.lists = ListReader(self.schema, self.read, self.driver, self._replica)

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
        async with _step("database read"), outages_translated(self.schema), self._for_reading.connect() as connection:
            yield connection

    @asynccontextmanager
    async def driver(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """Lend the driver's connection without a transaction: half the cost of ``read`` for one prepared statement.

        Raises:
            Unavailable: The database cannot be reached or the pool is exhausted.
        """
        async with _step("database read"), outages_translated(self.schema):
            lent = await self._engine.raw_connection()
            connection = cast("asyncpg.Connection[Any]", lent.driver_connection)
            try:
                if self.options.is_behind_pgbouncer:
                    async with connection.transaction():
                        yield connection
                else:
                    yield connection
            except (asyncio.CancelledError, asyncpg.InternalClientError):
                lent.invalidate()  # its protocol may be in the middle of an answer
                raise
            finally:
                await asyncio.shield(greenlet_spawn(lent.close))

    @asynccontextmanager
    async def begin(self, *, is_repeatable: bool = False, is_long: bool = False) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work: committed when the block ends well, rolled back otherwise.

        Args:
            is_repeatable: REPEATABLE READ instead of READ COMMITTED: all statements see one snapshot.
            is_long: Nobody waits for the answer to a request: statements may take ``long_statement_seconds``.

        Raises:
            Unavailable: The database cannot be reached or the pool is exhausted.
        """
        async with _step("unit of work"), outages_translated(self.schema), self._engine.connect() as connection:
            if is_repeatable:
                connection = await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                if is_long:
                    await self._give_time(connection)
                uow = UnitOfWork(connection, self.metadata, self.signals)
                yield uow
                await uow.flush()
            await uow.run_after_commit()

    async def raw_connect(self) -> "asyncpg.Connection[Any]":
        """Open a dedicated asyncpg connection outside the pool (LISTEN, session locks); the caller closes it.

        Raises:
            Unavailable: The database cannot be reached.
        """
        settings = {"application_name": f"{_application_name(self.schema, self.options)}-session"}
        async with outages_translated(self.schema):
            return await connect_asyncpg(self.options.direct_url or self.url, server_settings=settings)

    async def close(self) -> None:
        """Close all connections of the pool."""
        await self._engine.dispose()
        if self._replica is not None:
            await self._replica.close()

    async def _give_time(self, connection: AsyncConnection) -> None:
        options = self.options
        if options.long_statement_seconds is None or options.long_statement_seconds == options.statement_seconds:
            return
        limit = _milliseconds(options.long_statement_seconds)
        await connection.execute(
            sa.text(
                "SELECT set_config('statement_timeout', :limit, true),"
                " set_config('idle_in_transaction_session_timeout', :limit, true)"
            ),
            {"limit": limit},
        )


async def driver_connection(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    """Return the asyncpg connection below, in the same transaction: COPY and prepared fetches."""
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection[Any]", raw.driver_connection)


def _make_engine(url: str, schema: str, options: DatabaseOptions, pool_size: int, *, pool_name: str) -> AsyncEngine:
    driver_options: dict[str, Any] = {"server_settings": _server_settings(schema, options)}
    adapter_options: dict[str, Any] = {}
    limits = [seconds for seconds in (options.statement_seconds, options.long_statement_seconds) if seconds is not None]
    if limits:
        driver_options["command_timeout"] = max(limits) + _GRACE_SECONDS
    if options.is_behind_pgbouncer:
        # Every transaction may run on another session of the server: nothing prepared may be expected there.
        driver_options["statement_cache_size"] = 0
        adapter_options = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}

    async def connect() -> "asyncpg.Connection[Any]":
        return await connect_asyncpg(url, **driver_options)

    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=MeasuredPool,
        pool_logging_name=pool_name,
        pool_size=pool_size,
        max_overflow=options.pool_overflow,
        pool_timeout=options.pool_wait_seconds,
        pool_pre_ping=False,
        pool_recycle=1800,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # errors end up in logs, and parameters are annotations, addresses and digests
        connect_args={"async_creator_fn": connect, **adapter_options},
    )
    sa.event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _for_reading(engine: AsyncEngine, options: DatabaseOptions) -> AsyncEngine:
    # Without a transaction PgBouncer could run the two steps of a prepared statement in two sessions.
    return engine if options.is_behind_pgbouncer else engine.execution_options(isolation_level="AUTOCOMMIT")


def _replica_of(schema: str, options: DatabaseOptions, pool_size: int) -> Replica | None:
    if options.replica_url is None:
        return None
    hurried = replace(options, pool_wait_seconds=min(options.pool_wait_seconds, _REPLICA_WAIT_SECONDS))
    return Replica(
        _for_reading(_make_engine(options.replica_url, schema, hurried, pool_size, pool_name=f"{schema}-replica"), options)
    )


def _server_settings(schema: str, options: DatabaseOptions) -> dict[str, str]:
    """Return the session's settings. PgBouncer lets none but the name through; there they belong to the role."""
    settings = {"application_name": _application_name(schema, options)}
    if options.is_behind_pgbouncer:
        return settings
    settings["jit"] = "off"
    if options.statement_seconds is not None:
        settings["statement_timeout"] = _milliseconds(options.statement_seconds)
    if options.idle_transaction_seconds is not None:
        settings["idle_in_transaction_session_timeout"] = _milliseconds(options.idle_transaction_seconds)
    return settings


def _application_name(schema: str, options: DatabaseOptions) -> str:
    return options.application_name or f"limner-{schema}"


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


@asynccontextmanager
async def _step(name: str) -> AsyncIterator[None]:
    with tracing.step(name):
        yield


def _refuse_closed(adapted: Any, _record: Any, _lent: Any) -> None:
    """Keep connections that the server has closed meanwhile from being lent; the pool then opens new ones."""
    if adapted.driver_connection.is_closed():
        raise sa.exc.InvalidatePoolError
