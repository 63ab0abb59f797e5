"""The memory in front of a cache: the contract, what is kept, and for how long old values are answered."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.cache_conformance import MAX_ITEM_BYTES, CacheConformance, MemoryCache

from limner_common.cache import Cache, Entry, FolderCache, HotCache

VALUE = b"v" * 1000


class CountingCache(MemoryCache):
    """Counts how often values are read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def get_entry(self, key: str) -> Entry | None:
        self.reads += 1
        return await super().get_entry(key)

    async def get_metadata(self, key: str) -> dict[str, str] | None:
        entry = await MemoryCache.get_entry(self, key)
        return None if entry is None else dict(entry.metadata)


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[HotCache]:
    cache = HotCache(FolderCache(tmp_path / "cache", max_bytes=8 * MAX_ITEM_BYTES), max_bytes=4 * MAX_ITEM_BYTES)
    yield cache
    await cache.aclose()


class TestHotCache(CacheConformance):
    pass


@pytest.fixture
def behind() -> CountingCache:
    return CountingCache()


@pytest.fixture
def hot(behind: CountingCache) -> HotCache:
    return HotCache(behind, max_bytes=10_000)


async def reads_of(hot: HotCache, behind: CountingCache, key: str, times: int) -> int:
    before = behind.reads
    for _ in range(times):
        await hot.get(key)
    return behind.reads - before


async def test_a_value_is_read_twice_and_then_kept(hot: HotCache, behind: CountingCache) -> None:
    await hot.put("a", VALUE, {"etag": "1"})

    assert await reads_of(hot, behind, "a", 10) == 2
    assert await hot.get_entry("a") is await hot.get_entry("a")


async def test_a_value_without_a_name_is_not_kept(hot: HotCache, behind: CountingCache) -> None:
    await hot.put("a", VALUE, {"mime": "image/png"})

    assert await reads_of(hot, behind, "a", 10) == 10


async def test_a_value_that_fills_the_memory_is_not_kept(hot: HotCache, behind: CountingCache) -> None:
    await hot.put("a", bytes(2501), {"etag": "1"})
    await hot.put("b", bytes(2500), {"etag": "1"})

    assert await reads_of(hot, behind, "a", 10) == 10
    assert await reads_of(hot, behind, "b", 10) == 2


async def test_no_memory_keeps_nothing(behind: CountingCache) -> None:
    hot = HotCache(behind, max_bytes=0)
    await hot.put("a", VALUE, {"etag": "1"})

    assert await reads_of(hot, behind, "a", 5) == 5


async def test_what_was_not_used_for_longest_leaves_first(hot: HotCache, behind: CountingCache) -> None:
    keys = [f"k{number}" for number in range(12)]
    for key in keys:
        await hot.put(key, VALUE, {"etag": key})
    for key in keys[:10]:
        await reads_of(hot, behind, key, 2)
    await hot.get("k0")
    for key in keys[10:]:
        await reads_of(hot, behind, key, 2)

    read = {key: await reads_of(hot, behind, key, 1) for key in ("k0", *keys[3:])}
    assert read == dict.fromkeys(read, 0)
    assert await reads_of(hot, behind, "k1", 1) == 1


async def test_things_used_once_displace_nothing(hot: HotCache, behind: CountingCache) -> None:
    await hot.put("a", VALUE, {"etag": "1"})
    await reads_of(hot, behind, "a", 2)
    for number in range(100):
        await hot.put(f"flood{number}", VALUE, {"etag": "1"})
        await hot.get(f"flood{number}")

    assert await reads_of(hot, behind, "a", 5) == 0


#: What another process may do to the entry ``a/b``, and what is then there.
CHANGES: dict[str, tuple[Callable[[Cache], Awaitable[None]], bytes | None]] = {
    "replaced": (lambda cache: cache.put("a/b", b"new", {"etag": "2"}), b"new"),
    "deleted": (lambda cache: cache.delete("a/b"), None),
    "folder deleted": (lambda cache: cache.delete_prefix("a/"), None),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_others_change_is_seen_at_once(hot: HotCache, behind: CountingCache, change: str) -> None:
    await hot.put("a/b", VALUE, {"etag": "1"})
    await reads_of(hot, behind, "a/b", 3)
    act, left = CHANGES[change]
    await act(behind)

    assert await hot.get("a/b") == left
    assert await hot.get("a/b") == left


@pytest.mark.parametrize("change", CHANGES)
async def test_a_fresh_value_is_answered_without_asking_and_not_for_longer(behind: CountingCache, change: str) -> None:
    now = 100.0
    hot = HotCache(behind, max_bytes=10_000, fresh_seconds=2.0, clock=lambda: now)
    await hot.put("a/b", VALUE, {"etag": "1"})
    await reads_of(hot, behind, "a/b", 3)
    act, left = CHANGES[change]
    await act(behind)

    now = 101.9
    assert await hot.get("a/b") == VALUE
    assert await hot.get_metadata("a/b") == {"etag": "1"}
    now = 102.0
    assert await hot.get_metadata("a/b") != {"etag": "1"}
    assert await hot.get("a/b") == left


async def test_a_value_found_again_is_fresh_again(behind: CountingCache) -> None:
    now = 100.0
    hot = HotCache(behind, max_bytes=10_000, fresh_seconds=2.0, clock=lambda: now)
    await hot.put("a", VALUE, {"etag": "1"})
    await reads_of(hot, behind, "a", 3)
    now = 103.0
    await hot.get("a")
    await behind.delete("a")

    now = 104.9
    assert await hot.get("a") == VALUE


@pytest.mark.parametrize("change", ["put", "delete", "delete_prefix"])
async def test_what_is_changed_here_leaves_the_memory(hot: HotCache, behind: CountingCache, change: str) -> None:
    await hot.put("a/b", VALUE, {"etag": "1"})
    await reads_of(hot, behind, "a/b", 3)
    if change == "put":
        await hot.put("a/b", b"new", {"etag": "2"})
    else:
        await getattr(hot, change)("a/" if change == "delete_prefix" else "a/b")

    assert await reads_of(hot, behind, "a/b", 1) == 1


async def test_a_use_of_a_kept_value_counts_in_the_cache_behind(tmp_path: Path) -> None:
    # Room for ten files of four pages of the disk.
    behind = FolderCache(tmp_path / "cache", max_bytes=40 * 4096)
    hot = HotCache(behind, max_bytes=1_000_000)
    value = b"v" * (4 * 4096 - 500)
    await hot.put("a", value, {"etag": "1"})
    for _ in range(10):
        await hot.get("a")
    for number in range(20):
        await hot.put(f"flood{number}", value)
        await hot.get(f"flood{number}")

    assert await behind.get("a") == value
    await hot.aclose()
