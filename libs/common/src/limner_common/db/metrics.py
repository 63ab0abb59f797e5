"""Metrics of the connection pool and of the database as a service finds it."""

from prometheus_client import Counter, Gauge, Histogram

from limner_common.observe.metrics import SHORT_BUCKETS

POOL_SIZE = Gauge("limner_database_pool_size", "Connections the pool may open.", ["service"])
POOL_IN_USE = Gauge("limner_database_pool_in_use", "Connections that are lent now.", ["service"])
POOL_WAIT_SECONDS = Histogram(
    "limner_database_pool_wait_seconds",
    "How long callers waited who found all connections lent; others are not counted.",
    ["service"],
    buckets=SHORT_BUCKETS,
)
OUTAGES = Counter(
    "limner_database_outages", "Uses of the database that failed because it could not be reached.", ["service"]
)
IS_UP = Gauge("limner_database_is_up", "1 when the database answered for this page, 0 when not.", ["service"])
LISTS_READ = Counter("limner_database_lists_read", "Lists by the server that answered them.", ["service", "server"])
