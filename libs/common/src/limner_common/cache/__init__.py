"""Caches of built things: one port, a bounded folder behind it, and single-flight building."""

from limner_common.cache.port import MAX_METADATA_BYTES, Cache, Entry, Metadata

__all__ = ["MAX_METADATA_BYTES", "Cache", "Entry", "Metadata"]
