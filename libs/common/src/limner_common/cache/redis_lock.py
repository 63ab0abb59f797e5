"""A lock across replicas, in Redis."""

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from limner_common.redis_server import RedisServer

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: A holder that died lets go after this long; one that lives says so three times as often.
_LEASE_SECONDS: Final = 15.0
_FIRST_WAIT_SECONDS: Final = 0.02
_LONGEST_WAIT_SECONDS: Final = 0.5

#: Only who holds the lock may prolong it or let it go: the token says who.
_PROLONG: Final = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0"
_RELEASE: Final = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"


class _Taken(Enum):
    MINE = auto()
    OTHERS = auto()
    UNKNOWN = auto()


class RedisReplicaLock:
    """``ReplicaLock`` in Redis: a key that expires, prolonged while the holder lives.

    Args:
        server: The Redis.
        lease_seconds: After how long a holder that died lets go.
    """

    def __init__(self, server: RedisServer, *, lease_seconds: float = _LEASE_SECONDS) -> None:
        self._server = server
        self._lease_seconds = lease_seconds

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """See ``ReplicaLock.hold``."""
        name, token = f"{self._server.prefix}lock:{key}", secrets.token_hex(16)
        if not await self._wait(name, token):
            yield
            return
        prolonging = asyncio.create_task(self._prolong(name, token))
        try:
            yield
        finally:
            prolonging.cancel()
            # Also when the build was cancelled, or others would wait for the lease to run out.
            await asyncio.shield(self._run(_RELEASE, name, token))

    async def _wait(self, name: str, token: str) -> bool:
        """Take the lock when it is free; False when Redis cannot say."""
        wait_seconds = _FIRST_WAIT_SECONDS
        try:
            while (taken := await self._take(name, token)) is _Taken.OTHERS:
                await asyncio.sleep(random.uniform(wait_seconds / 2, wait_seconds))
                wait_seconds = min(wait_seconds * 1.5, _LONGEST_WAIT_SECONDS)
        except asyncio.CancelledError:
            # The answer to the last question may have been yes.
            await asyncio.shield(self._run(_RELEASE, name, token))
            raise
        return taken is _Taken.MINE

    async def _take(self, name: str, token: str) -> _Taken:
        async def take(redis: "Redis") -> _Taken:
            is_mine = await redis.set(name, token, nx=True, px=self._milliseconds)
            return _Taken.MINE if is_mine else _Taken.OTHERS

        return await self._server.ask("lock_take", take, _Taken.UNKNOWN)

    async def _prolong(self, name: str, token: str) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(self._lease_seconds / 3)
                await self._run(_PROLONG, name, token, self._milliseconds)

    async def _run(self, script: str, name: str, *arguments: Any) -> None:
        async def run(redis: "Redis") -> None:
            await redis.eval(script, 1, name, *arguments)

        await self._server.ask("lock", run, None)

    @property
    def _milliseconds(self) -> int:
        return round(self._lease_seconds * 1000)
