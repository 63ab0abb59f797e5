"""Lists from a streaming replica that has seen everything the primary had when the list was asked for.

See docs/adr/0010-lists-from-a-replica.md. Whatever is wrong with the replica, the primary answers.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from limner_common.db.metrics import LISTS_READ
from limner_common.db.outages import outages_translated
from limner_common.errors import Unavailable

log = structlog.get_logger(__name__)


#: How long a list waits for the replica to catch up; streaming on one network takes a few milliseconds.
_WAIT_SECONDS: Final = 0.1
_ASK_AGAIN_SECONDS: Final = 0.005
#: How long nobody asks a replica that lags, or that is away.
_LAGGING_PAUSE_SECONDS: Final = 1.0
_AWAY_PAUSE_SECONDS: Final = 5.0

_POSITION: Final = "SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint"
#: None where the server follows nobody: it could lack what the primary has, whatever its position is.
_REPLAYED: Final = sa.text(
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint END"
)

Reading = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
Driving = Callable[[], "AbstractAsyncContextManager[asyncpg.Connection[Any]]"]


@dataclass(frozen=True, slots=True)
class Listed:
    """All rows of a list, and the names of their columns."""

    names: tuple[str, ...]
    rows: Sequence[sa.Row[*tuple[Any, ...]]]


class Replica:
    """The pool of a replica, and when it may be asked again."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._paused_until = 0.0

    @property
    def is_paused(self) -> bool:
        """Whether it failed or lagged a moment ago."""
        return time.monotonic() < self._paused_until

    async def fetch(self, statement: sa.Executable, position: int) -> Listed | None:
        """Return the list once the replica has replayed ``position``; None when it does not within the time allowed.

        Raises:
            Unavailable: It cannot be reached, or it broke the statement off.
        """
        async with outages_translated(), self._engine.connect() as connection:
            if not await _has_replayed(connection, position):
                self._pause(_LAGGING_PAUSE_SECONDS)
                return None
            return await _listed(connection, statement)

    def avoid(self) -> None:
        """Let nobody ask for a while: it is away."""
        self._pause(_AWAY_PAUSE_SECONDS)

    async def close(self) -> None:
        """Close its connections."""
        await self._engine.dispose()

    def _pause(self, seconds: float) -> None:
        self._paused_until = time.monotonic() + seconds


class ListReader:
    """Reads lists, from the replica where there is one that is fresh enough.

    Args:
        service: Name of the service, for metrics.
        read: Lends a connection to the primary.
        driver: Lends the driver's connection to the primary.
        replica: The replica, or None.
    """

    def __init__(self, service: str, read: Reading, driver: Driving, replica: Replica | None) -> None:
        self._service = service
        self._read = read
        self._driver = driver
        self._replica = replica

    async def fetch(self, statement: sa.Executable) -> Listed:
        """Return all rows of a query; every write that was committed before the call is seen.

        Hold no other connection meanwhile. Costs two more round trips where there is a replica.

        Raises:
            Unavailable: The primary cannot be reached or the pool is exhausted.
        """
        listed = None if self._replica is None else await self._fetch_from(self._replica, statement)
        if listed is not None:
            LISTS_READ.labels(self._service, "replica").inc()
            return listed
        async with self._read() as connection:
            listed = await _listed(connection, statement)
        LISTS_READ.labels(self._service, "primary").inc()
        return listed

    async def _fetch_from(self, replica: Replica, statement: sa.Executable) -> Listed | None:
        if replica.is_paused:
            return None
        async with self._driver() as primary:
            position = await primary.fetchval(_POSITION)
        try:
            return await replica.fetch(statement, position)
        except Unavailable as error:
            if error.code == "database_slow":
                raise  # it would take as long again
            # A statement that stood in the way of replaying says nothing about the next one.
            if error.code != "database_busy":
                replica.avoid()
            log.warning("replica_not_used", service=self._service, error=repr(error.__cause__ or error))
            return None


async def _has_replayed(connection: AsyncConnection, position: int) -> bool:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        replayed = await connection.scalar(_REPLAYED)
        if replayed is None:
            return False
        if replayed >= position:
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


async def _listed(connection: AsyncConnection, statement: sa.Executable) -> Listed:
    result = await connection.execute(statement)
    return Listed(tuple(result.keys()), result.all())
