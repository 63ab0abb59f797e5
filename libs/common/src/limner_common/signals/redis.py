"""Signals by Redis: published after the commit; what cannot be published is lost, and found when listeners look."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from limner_common.errors import Unavailable
from limner_common.redis_server import RedisServer
from limner_common.signals.port import Signal

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

    from limner_common.db.uow import UnitOfWork

#: A connection on which nothing comes for so long is asked whether it still is one.
_QUIET_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 3.0


class RedisSignals:
    """``Signals`` by publish and subscribe.

    Args:
        server: The Redis.
        quiet_seconds: After how long without a signal the connection is tested.
    """

    def __init__(self, server: RedisServer, *, quiet_seconds: float = _QUIET_SECONDS) -> None:
        self._server = server
        self._quiet_seconds = quiet_seconds

    async def send(self, uow: "UnitOfWork", signals: Sequence[Signal]) -> None:
        """See ``Signals.send``."""
        if signals:
            uow.after_commit(partial(self._publish, list(signals)))

    async def _publish(self, signals: Sequence[Signal]) -> None:
        async def publish(redis: "Redis") -> None:
            pipeline = redis.pipeline(transaction=False)
            for signal in signals:
                pipeline.publish(self._name(signal.channel), signal.text)
            await pipeline.execute()

        await self._server.ask("publish", publish, None)

    @asynccontextmanager
    async def listen(self, channel: str, heard: Callable[[str], None]) -> AsyncIterator[asyncio.Event]:
        """See ``Signals.listen``."""
        async with self._server.subscribed(self._name(channel)) as listener:
            lost = asyncio.Event()
            reading = asyncio.create_task(self._read(listener, heard, lost))
            try:
                yield lost
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading

    async def _read(self, listener: "PubSub", heard: Callable[[str], None], lost: asyncio.Event) -> None:
        from redis.exceptions import RedisError

        try:
            while True:
                message = await listener.get_message(timeout=self._quiet_seconds)
                if message is None:
                    await listener.ping()
                    message = await listener.get_message(timeout=_ANSWER_SECONDS)
                if message is None:
                    return
                if message["type"] == "message":
                    heard(message["data"].decode())
        except (RedisError, OSError, Unavailable):
            pass  # whoever listens is told by the event, and finds out why on coming back
        finally:
            lost.set()

    def _name(self, channel: str) -> str:
        return f"{self._server.prefix}signal:{channel}"
