"""Metrics of the service itself; what all services share is measured in ``limner_common``."""

from prometheus_client import Gauge, Histogram

from limner_common.observe.metrics import REQUEST_BUCKETS

CHUNK_SECONDS = Histogram(
    "limner_media_chunk_build_seconds",
    "Time to build a chunk that the cache did not have, waiting for a process included.",
    ["quality", "outcome"],
    buckets=REQUEST_BUCKETS,
)
POOL_PROCESSES = Gauge("limner_media_pool_processes", "Most processes of the pool: requests or ingest.", ["pool"])
POOL_PENDING = Gauge("limner_media_pool_pending", "Calls in work and waiting for a process.", ["pool"])
POOL_SECONDS = Histogram(
    "limner_media_pool_call_seconds",
    "Time of a call from asking for a process to its answer, by outcome: ok, refused (the queue is full), crashed, "
    "timed_out, failed, cancelled.",
    ["pool", "outcome"],
    buckets=REQUEST_BUCKETS,
)
