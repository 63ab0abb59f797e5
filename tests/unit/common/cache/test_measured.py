"""A measured cache is a cache, and counts what is found in it."""

import pytest
from tests.support.cache_conformance import CacheConformance, MemoryCache
from tests.support.metrics import value

from limner_common.cache.measured import MeasuredCache


@pytest.fixture
def cache() -> MeasuredCache:
    return MeasuredCache(MemoryCache(), "probe")


class TestMeasuredCache(CacheConformance):
    pass


async def test_hits_misses_and_bytes_are_counted(cache: MeasuredCache) -> None:
    def counted() -> list[float]:
        return [
            value("limner_cache_reads_total", service="probe", outcome="hit"),
            value("limner_cache_reads_total", service="probe", outcome="miss"),
            value("limner_cache_read_bytes_total", service="probe"),
            value("limner_cache_written_bytes_total", service="probe"),
        ]

    before = counted()
    await cache.get("a")
    await cache.put("a", b"12345")
    await cache.get("a")
    await cache.get_entry("a")
    await cache.get_metadata("a")
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [3, 1, 10, 5]
