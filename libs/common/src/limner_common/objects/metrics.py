"""Metrics of the object store, by the service that uses it."""

from prometheus_client import Counter, Histogram

from limner_common.observe.metrics import REQUEST_BUCKETS

CALL_SECONDS = Histogram(
    "limner_objects_call_seconds",
    "Time of a call to the object store, by outcome: ok, missing, unavailable, failed, cancelled. Opening a stream "
    "takes until its first bytes are there.",
    ["service", "operation", "outcome"],
    buckets=REQUEST_BUCKETS,
)
BYTES = Counter("limner_objects_bytes", "Bytes read from and written to the object store.", ["service", "direction"])
