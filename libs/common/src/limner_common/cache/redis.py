"""The cache in a Redis that all replicas share: the cache of a cluster."""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Final, cast

import msgspec

from limner_common.cache.port import Entry, Metadata, encode_metadata
from limner_common.objects.keys import check_key
from limner_common.redis_server import RedisServer

if TYPE_CHECKING:
    from redis.asyncio import Redis

_METADATA: Final = b"m"
_VALUE: Final = b"v"
_FORGOTTEN_AT_ONCE: Final = 500
#: Redis' patterns give these a meaning; a backslash takes it away.
_SPECIAL: Final = frozenset("*?[]^\\-")


class RedisCache:
    """``Cache`` in Redis, one hash an entry: fields ``m`` (metadata, JSON) and ``v`` (the value).

    Redis bounds the size and chooses who leaves: ``maxmemory`` with ``allkeys-lfu``, see ``RedisServer.examine``. Reading
    either field counts as a use there. A Redis that is away, full or flushed is an empty cache.

    Args:
        server: The Redis.
        max_item_bytes: Longest value kept.
    """

    def __init__(self, server: RedisServer, *, max_item_bytes: int) -> None:
        self._server = server
        self._folder = f"{server.prefix}cache:"
        self._max_item_bytes = max_item_bytes

    async def get(self, key: str) -> bytes | None:
        """See ``Cache.get``."""
        entry = await self.get_entry(key)
        return None if entry is None else entry.value

    async def get_entry(self, key: str) -> Entry | None:
        """See ``Cache.get_entry``."""
        name = self._name(key)
        nothing: tuple[bytes | None, bytes | None] = (None, None)
        about, value = await self._server.ask("cache_get", lambda redis: _fields(redis, name), nothing)
        metadata = _decode(about)
        return None if metadata is None or value is None else Entry(value, metadata)

    async def get_metadata(self, key: str) -> Metadata | None:
        """See ``Cache.get_metadata``."""
        name = self._name(key)
        return _decode(await self._server.ask("cache_get_metadata", lambda redis: _metadata(redis, name), None))

    async def put(self, key: str, value: bytes, metadata: Metadata | None = None) -> None:
        """See ``Cache.put``."""
        name, about = self._name(key), encode_metadata(metadata or {})
        if len(value) > self._max_item_bytes:
            await self.delete(key)
            return
        fields = {_METADATA: about, _VALUE: value}
        is_kept = await self._server.ask("cache_put", lambda redis: _put(redis, name, fields), False)
        if not is_kept:
            await self.delete(key)

    async def delete(self, key: str) -> None:
        """See ``Cache.delete``."""
        name = self._name(key)
        await self._server.ask("cache_delete", lambda redis: _forget(redis, [name]), None)

    async def delete_prefix(self, prefix: str) -> None:
        """See ``Cache.delete_prefix``.

        Walks over all keys of the Redis in small steps, so it is for background work; O(keys).
        """
        if prefix and not prefix.endswith("/"):
            raise ValueError("a prefix of the cache ends on '/'")
        if prefix:
            check_key(prefix[:-1])
        pattern = f"{_plain(self._folder + prefix)}*"
        await self._server.ask("cache_delete_prefix", lambda redis: _forget_all(redis, pattern), None)

    async def aclose(self) -> None:
        """See ``Cache.aclose``; the server is closed by whoever made it."""

    def _name(self, key: str) -> str:
        return self._folder + check_key(key)


async def _fields(redis: "Redis", name: str) -> tuple[bytes | None, bytes | None]:
    about, value = await cast("Awaitable[list[bytes | None]]", redis.hmget(name, [_METADATA, _VALUE]))
    return about, value


async def _metadata(redis: "Redis", name: str) -> bytes | None:
    return cast("bytes | None", await cast("Awaitable[object]", redis.hget(name, _METADATA)))


async def _put(redis: "Redis", name: str, fields: Mapping[bytes, bytes]) -> bool:
    await redis.hset(name, items=[part for field in fields.items() for part in field])
    return True


async def _forget(redis: "Redis", names: list[str] | list[bytes]) -> None:
    await redis.unlink(*names)


async def _forget_all(redis: "Redis", pattern: str) -> None:
    waiting: list[bytes] = []
    async for name in redis.scan_iter(match=pattern, count=_FORGOTTEN_AT_ONCE):
        waiting.append(name)
        if len(waiting) >= _FORGOTTEN_AT_ONCE:
            await _forget(redis, waiting)
            waiting.clear()
    if waiting:
        await _forget(redis, waiting)


def _plain(text: str) -> str:
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in text)


def _decode(about: bytes | None) -> Metadata | None:
    if about is None:
        return None
    try:
        return msgspec.json.decode(about, type=dict[str, str])
    except msgspec.MsgspecError:
        return None
