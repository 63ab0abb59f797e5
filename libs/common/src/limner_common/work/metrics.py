"""Metrics of background work: the queue as it stands, and what the workers of this process did."""

from prometheus_client import Gauge, Histogram

from limner_common.observe.metrics import WORK_BUCKETS

ITEMS = Gauge(
    "limner_work_items", "Work items by state: queued or running; counted up to 100,000.", ["service", "kind", "state"]
)
OLDEST_AGE_SECONDS = Gauge(
    "limner_work_oldest_queued_age_seconds",
    "How long the oldest item that could run has waited; 0 when none waits.",
    ["service", "kind"],
)
ATTEMPTS_MAX = Gauge("limner_work_attempts_max", "Most attempts of any item that is queued or running.", ["service", "kind"])
WAIT_SECONDS = Histogram(
    "limner_work_wait_seconds",
    "Time from accepting an item to its first attempt.",
    ["service", "kind"],
    buckets=WORK_BUCKETS,
)
ITEM_SECONDS = Histogram(
    "limner_work_item_seconds",
    "Time of one attempt, by outcome: done, failed (for good), cancelled, retried, given_back (the worker stops), "
    "lease_lost, interrupted (how it ended could not be stored).",
    ["service", "kind", "outcome"],
    buckets=WORK_BUCKETS,
)
SLOTS = Gauge("limner_worker_slots", "Items the workers of this process can run at a time.", ["service"])
BUSY = Gauge("limner_worker_busy", "Items the workers of this process run now.", ["service"])
