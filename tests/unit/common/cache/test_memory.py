"""The cache in memory that other tests use keeps the contract."""

import pytest
from tests.support.cache_conformance import CacheConformance, MemoryCache


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


class TestMemoryCache(CacheConformance):
    pass
