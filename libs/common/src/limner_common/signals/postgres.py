"""Signals by the database itself: NOTIFY in the transaction, LISTEN on a connection outside the pool."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import sqlalchemy as sa

from limner_common.db.outages import outages_translated
from limner_common.signals.port import Signal

if TYPE_CHECKING:
    from limner_common.db.uow import UnitOfWork

_CLOSE_SECONDS = 2.0


class PostgresSignals:
    """``Signals`` by LISTEN and NOTIFY: a signal of a committed unit of work is lost only with a listener's connection.

    Args:
        connect: Opens a connection for a listener alone; not through PgBouncer in transaction mode.
    """

    def __init__(self, connect: "Callable[[], Awaitable[asyncpg.Connection[Any]]]") -> None:
        self._connect = connect

    async def send(self, uow: "UnitOfWork", signals: Sequence[Signal]) -> None:
        """See ``Signals.send``."""
        for signal in signals:
            await uow.execute(sa.select(sa.func.pg_notify(signal.channel, signal.text)))

    @asynccontextmanager
    async def listen(self, channel: str, heard: Callable[[str], None]) -> AsyncIterator[asyncio.Event]:
        """See ``Signals.listen``."""
        connection = await self._connect()
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: lost.set())
            async with outages_translated():
                await connection.add_listener(channel, lambda _connection, _pid, _channel, text: heard(str(text)))
            yield lost
        finally:
            await connection.close(timeout=_CLOSE_SECONDS)
