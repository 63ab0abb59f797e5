"""What every cache has to do, and a cache in memory. Subclass with a ``cache`` fixture that gives an empty cache.

The fixture's cache keeps values of up to 1,000,000 bytes, and more than 4,000,000 bytes in all.
"""

import asyncio
import os

import pytest

from limner_common.cache import Cache, Entry, Metadata
from limner_common.cache.entry_files import head_of
from limner_common.objects import InvalidKey, check_key

MAX_ITEM_BYTES = 1_000_000


class MemoryCache:
    """Forgets nothing by itself: for tests of what uses a cache."""

    def __init__(self, max_item_bytes: int = MAX_ITEM_BYTES) -> None:
        self._entries: dict[str, Entry] = {}
        self._max_item_bytes = max_item_bytes

    async def get(self, key: str) -> bytes | None:
        entry = await self.get_entry(key)
        return None if entry is None else entry.value

    async def get_entry(self, key: str) -> Entry | None:
        return self._entries.get(check_key(key))

    async def get_metadata(self, key: str) -> Metadata | None:
        entry = await self.get_entry(key)
        return None if entry is None else entry.metadata

    async def put(self, key: str, value: bytes, metadata: Metadata | None = None) -> None:
        head_of(check_key(key), b"", metadata or {})
        if len(value) > self._max_item_bytes:
            self._entries.pop(key, None)
        else:
            self._entries[key] = Entry(value, dict(metadata or {}))

    async def delete(self, key: str) -> None:
        self._entries.pop(check_key(key), None)

    async def delete_prefix(self, prefix: str) -> None:
        if prefix and not prefix.endswith("/"):
            raise ValueError("a prefix of the cache ends on '/'")
        self._entries = {key: entry for key, entry in self._entries.items() if not key.startswith(prefix)}

    async def aclose(self) -> None:
        pass


class CacheConformance:
    async def test_values_come_back_as_put(self, cache: Cache) -> None:
        for key, value in {"a": b"", "b/c": b"small", "b/d/e": os.urandom(900_000)}.items():
            await cache.put(key, value)
            assert await cache.get(key) == value

    async def test_what_was_not_put_is_a_miss(self, cache: Cache) -> None:
        await cache.put("a/b", b"x")

        for key in ("nothing", "a", "a/c", "a/b/c"):
            assert await cache.get(key) is None
            assert await cache.get_entry(key) is None
            assert await cache.get_metadata(key) is None

    async def test_a_key_may_be_the_folder_of_others(self, cache: Cache) -> None:
        for key in ("a", "a/b", "a/b/c"):
            await cache.put(key, key.encode())

        assert [await cache.get(key) for key in ("a", "a/b", "a/b/c")] == [b"a", b"a/b", b"a/b/c"]

    @pytest.mark.parametrize("value", [b"", b"x" * 500_000], ids=["empty", "large"])
    async def test_metadata_stands_beside_the_value(self, cache: Cache, value: bytes) -> None:
        metadata = {"mime": "image/webp", "etag": '"a"', "built_at": "2026-01-01T00:00:00Z", "é": "ü\n"}
        await cache.put("a", value, metadata)

        assert await cache.get_metadata("a") == metadata
        assert await cache.get_entry("a") == Entry(value, metadata)
        assert await cache.get("a") == value

    async def test_no_metadata_is_empty_metadata(self, cache: Cache) -> None:
        await cache.put("a", b"x")

        assert await cache.get_metadata("a") == {}

    async def test_putting_again_replaces_value_and_metadata(self, cache: Cache) -> None:
        await cache.put("a", b"one", {"etag": "1"})
        await cache.put("a", b"second", {})

        assert await cache.get_entry("a") == Entry(b"second", {})

    async def test_too_much_metadata_is_refused(self, cache: Cache) -> None:
        await cache.put("a", b"x", {"m": "é" * 2000})
        with pytest.raises(ValueError, match="4096"):
            await cache.put("a", b"x", {"m": "é" * 2100})

    async def test_a_value_above_the_item_limit_is_not_kept_nor_the_one_before(self, cache: Cache) -> None:
        await cache.put("a", b"x" * MAX_ITEM_BYTES)
        assert await cache.get("a") is not None

        await cache.put("a", b"x" * (MAX_ITEM_BYTES + 1))

        assert await cache.get("a") is None

    async def test_deleting_is_idempotent(self, cache: Cache) -> None:
        await cache.put("a/b", b"x")
        await cache.put("a/c", b"y")

        await cache.delete("a/b")
        await cache.delete("a/b")
        await cache.delete("nothing/at/all")

        assert await cache.get("a/b") is None
        assert await cache.get("a/c") == b"y"

    @pytest.mark.parametrize(
        ("prefix", "left"),
        [
            ("a/", ["a", "ab", "b/c"]),
            ("a/b/", ["a", "a/b", "a/bc", "ab", "b/c"]),
            ("nothing/", ["a", "a/b", "a/b/c", "a/bc", "ab", "b/c"]),
            ("", []),
        ],
    )
    async def test_deleting_a_prefix_goes_by_whole_parts(self, cache: Cache, prefix: str, left: list[str]) -> None:
        keys = ["a", "a/b", "a/b/c", "a/bc", "ab", "b/c"]
        for key in keys:
            await cache.put(key, b"x")

        await cache.delete_prefix(prefix)
        await cache.delete_prefix(prefix)

        assert [key for key in keys if await cache.get(key) is not None] == left
        await cache.put("a/b/c", b"again")
        assert await cache.get("a/b/c") == b"again"

    async def test_a_prefix_that_cuts_a_part_is_refused(self, cache: Cache) -> None:
        with pytest.raises(ValueError, match="/"):
            await cache.delete_prefix("a/b")

    @pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a\0", "a/../b"])
    async def test_keys_that_are_no_relative_path_are_refused(self, cache: Cache, key: str) -> None:
        for call in (cache.get(key), cache.get_entry(key), cache.get_metadata(key), cache.put(key, b""), cache.delete(key)):
            with pytest.raises(InvalidKey):
                await call

    @pytest.mark.parametrize("key", ["é/" * 50 + "ü" * 100, "a b=c%2F/=x", "A", "x" * 240, "a/...", "%%", "...=/="])
    async def test_unusual_keys_are_told_apart(self, cache: Cache, key: str) -> None:
        await cache.put(key, b"this")
        await cache.put(f"{key[:-1]}y", b"other")

        assert await cache.get(key) == b"this"

    async def test_concurrent_use_sees_whole_values_only(self, cache: Cache) -> None:
        values = [bytes([number]) * (50_000 + number) for number in range(10)]

        async def use(number: int) -> None:
            for _ in range(10):
                await cache.put("a/b", values[number])
                assert await cache.get("a/b") in {*values, None}
                if number == 0:
                    await cache.delete_prefix("a/")

        await asyncio.gather(*(use(number) for number in range(10)))
