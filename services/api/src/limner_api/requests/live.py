"""Tells waiting streams of this process that somebody's requests changed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg
import structlog

from limner_api.metrics import LIVE_LISTENERS
from limner_api.requests.repository import LIVE_CHANNEL
from limner_common.db import Database

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 2.0


class LiveHub:
    """One LISTEN connection for all streams of the process.

    Starts listening with the first stream and stops with the last.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def subscribe(self, user_id: int) -> Iterator[asyncio.Event]:
        """Lend an event that is set whenever the user's requests may have changed."""
        changed = asyncio.Event()
        self._waiting[user_id].add(changed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        LIVE_LISTENERS.inc()
        try:
            yield changed
        finally:
            LIVE_LISTENERS.dec()
            self._waiting[user_id].discard(changed)
            if not self._waiting[user_id]:
                del self._waiting[user_id]
            if not self._waiting:
                self._task.cancel()
                self._task = None

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            connection = None
            try:
                connection = await self._database.raw_connect()
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _connection, lost=lost: lost.set())
                await connection.add_listener(LIVE_CHANNEL, self._heard)
                self._wake_all()  # something may have changed while nobody listened
                await lost.wait()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("live_listen_lost", error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
            finally:
                if connection is not None:
                    await connection.close(timeout=2)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        for event in self._waiting.get(int(str(payload)), ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
