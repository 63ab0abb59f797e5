"""A tally that replicas share, in Redis."""

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from limner_common.redis_server import RedisServer
from limner_common.tallies.port import Count

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: In one step, or a process that died in between would leave a count that never ends.
_ADD: Final = """
local count = redis.call('incr', KEYS[1])
if count == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end
return count
"""


class RedisTally:
    """``Tally`` in Redis, whose keys end by themselves.

    Args:
        server: The Redis.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    async def read(self, key: str) -> Count | None:
        """See ``Tally.read``."""

        async def read(redis: "Redis") -> Count:
            pipeline = redis.pipeline(transaction=False)
            pipeline.get(self._name(key))
            pipeline.pttl(self._name(key))
            count, left_milliseconds = await pipeline.execute()
            # It may end between the two.
            return Count(int(count), left_milliseconds / 1000) if count and left_milliseconds > 0 else Count(0, 0.0)

        return await self._server.ask("tally_read", read, None)

    async def add(self, key: str, window_seconds: float) -> None:
        """See ``Tally.add``."""

        async def add(redis: "Redis") -> None:
            await redis.eval(_ADD, 1, self._name(key), str(max(1, round(window_seconds * 1000))))

        await self._server.ask("tally_add", add, None)

    async def forget(self, key: str) -> None:
        """See ``Tally.forget``."""

        async def forget(redis: "Redis") -> None:
            await redis.delete(self._name(key))

        await self._server.ask("tally_forget", forget, None)

    def _name(self, key: str) -> str:
        # People's names and addresses are of any length, and nobody else's business.
        return f"{self._server.prefix}tally:{sha256(key.encode()).hexdigest()}"
