"""Caches of built things: one port, a bounded folder behind it, and single-flight building."""

from limner_common.cache.folder import FolderCache
from limner_common.cache.hot import HotCache
from limner_common.cache.port import MAX_METADATA_BYTES, Cache, Entry, Metadata
from limner_common.cache.single_flight import ReplicaLock, SingleFlight

__all__ = ["MAX_METADATA_BYTES", "Cache", "Entry", "FolderCache", "HotCache", "Metadata", "ReplicaLock", "SingleFlight"]
