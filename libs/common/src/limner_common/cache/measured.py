"""A cache that counts what one service finds in it."""

from limner_common.cache import metrics
from limner_common.cache.port import Cache, Entry, Metadata


class MeasuredCache:
    """``Cache`` in front of another, for one service; the one behind is closed by whoever made it.

    Args:
        cache: Where the entries are.
        service: Who uses it.
    """

    def __init__(self, cache: Cache, service: str) -> None:
        self._cache = cache
        self._hits = metrics.READS.labels(service, "hit")
        self._misses = metrics.READS.labels(service, "miss")
        self._read_bytes = metrics.READ_BYTES.labels(service)
        self._written_bytes = metrics.WRITTEN_BYTES.labels(service)

    async def get(self, key: str) -> bytes | None:
        """See ``Cache.get``."""
        value = await self._cache.get(key)
        self._count(is_hit=value is not None, size_bytes=len(value or b""))
        return value

    async def get_entry(self, key: str) -> Entry | None:
        """See ``Cache.get_entry``."""
        entry = await self._cache.get_entry(key)
        self._count(is_hit=entry is not None, size_bytes=0 if entry is None else len(entry.value))
        return entry

    async def get_metadata(self, key: str) -> Metadata | None:
        """See ``Cache.get_metadata``."""
        found = await self._cache.get_metadata(key)
        self._count(is_hit=found is not None, size_bytes=0)
        return found

    async def put(self, key: str, value: bytes, metadata: Metadata | None = None) -> None:
        """See ``Cache.put``."""
        await self._cache.put(key, value, metadata)
        self._written_bytes.inc(len(value))

    async def delete(self, key: str) -> None:
        """See ``Cache.delete``."""
        await self._cache.delete(key)

    async def delete_prefix(self, prefix: str) -> None:
        """See ``Cache.delete_prefix``."""
        await self._cache.delete_prefix(prefix)

    async def aclose(self) -> None:
        """Do nothing: others use the same cache."""

    def _count(self, *, is_hit: bool, size_bytes: int) -> None:
        (self._hits if is_hit else self._misses).inc()
        self._read_bytes.inc(size_bytes)
