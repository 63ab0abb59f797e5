"""The entries used most in the memory of this process, in front of a cache."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from limner_common.cache.port import Cache, Entry, Metadata

#: An entry may take this part of the memory at most.
_ITEM_PART: Final = 4
#: So many keys used once are remembered.
_MAX_SEEN: Final = 4096


@dataclass(slots=True)
class _Kept:
    """A value in memory, and when the cache behind last said that it has it too, in the clock's seconds."""

    entry: Entry
    asked_at: float


class HotCache:
    """``Cache`` that keeps values in memory from their second use on, one copy however many read it.

    Reads ask the cache behind for the metadata, where a use is counted then, unless they did so a moment ago: what
    another process has replaced or deleted is not answered for longer than that. Only entries whose metadata has an
    ``etag`` are kept: the same one means the same value. When the memory is full, what was not used for longest leaves.

    Use from one event loop.

    Args:
        behind: The cache; closed with this one.
        max_bytes: What the values may take in memory; 0 keeps none.
        fresh_seconds: How long after asking a value is answered without asking again.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        behind: Cache,
        *,
        max_bytes: int,
        fresh_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._behind = behind
        self._max_bytes = max_bytes
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._entries: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """See ``Cache.get``."""
        entry = await self.get_entry(key)
        return None if entry is None else entry.value

    async def get_entry(self, key: str) -> Entry | None:
        """See ``Cache.get_entry``."""
        kept = self._entries.get(key)
        if kept is not None:
            if await self._is_current(key, kept):
                if key in self._entries:
                    self._entries.move_to_end(key)
                return kept.entry
            self._drop(key)
        entry = await self._behind.get_entry(key)
        if entry is not None and self._is_worth_keeping(key, entry):
            self._keep(key, entry)
        return entry

    async def get_metadata(self, key: str) -> Metadata | None:
        """See ``Cache.get_metadata``."""
        kept = self._entries.get(key)
        if kept is not None and self._is_fresh(kept):
            return kept.entry.metadata
        return await self._behind.get_metadata(key)

    async def put(self, key: str, value: bytes, metadata: Metadata | None = None) -> None:
        """See ``Cache.put``."""
        self._drop(key)
        await self._behind.put(key, value, metadata)

    async def delete(self, key: str) -> None:
        """See ``Cache.delete``."""
        self._drop(key)
        await self._behind.delete(key)

    async def delete_prefix(self, prefix: str) -> None:
        """See ``Cache.delete_prefix``."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            self._drop(key)
        await self._behind.delete_prefix(prefix)

    async def aclose(self) -> None:
        """See ``Cache.aclose``."""
        self._entries.clear()
        await self._behind.aclose()

    async def _is_current(self, key: str, kept: _Kept) -> bool:
        if self._is_fresh(kept):
            return True
        kept.asked_at = self._clock()
        return await self._behind.get_metadata(key) == kept.entry.metadata

    def _is_fresh(self, kept: _Kept) -> bool:
        return self._clock() - kept.asked_at < self._fresh_seconds

    def _is_worth_keeping(self, key: str, entry: Entry) -> bool:
        if "etag" not in entry.metadata or len(entry.value) * _ITEM_PART > self._max_bytes:
            return False
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _keep(self, key: str, entry: Entry) -> None:
        self._drop(key)
        self._entries[key] = _Kept(entry, self._clock())
        self._bytes += len(entry.value)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.entry.value)
