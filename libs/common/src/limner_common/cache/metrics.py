"""Metrics of the cache, by the service that uses it."""

from prometheus_client import Counter

READS = Counter("limner_cache_reads", "Look-ups in the cache, by outcome: hit or miss.", ["service", "outcome"])
READ_BYTES = Counter("limner_cache_read_bytes", "Bytes of values found in the cache.", ["service"])
WRITTEN_BYTES = Counter("limner_cache_written_bytes", "Bytes of values put into the cache.", ["service"])
