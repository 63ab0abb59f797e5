"""Metrics of facts on their way: outbox, relay, bus and consumers. A group's name begins with its service's."""

from prometheus_client import Counter, Gauge, Histogram

from limner_common.observe.metrics import SHORT_BUCKETS

OUTBOX_MESSAGES = Gauge("limner_outbox_messages", "Facts that wait to be published; counted up to 100,000.", ["service"])
OUTBOX_AGE_SECONDS = Gauge(
    "limner_outbox_oldest_age_seconds", "Age of the oldest fact that waits to be published; 0 when none does.", ["service"]
)
RELAY_PUBLISHED = Counter("limner_relay_published", "Facts handed to the bus.", ["service"])
RELAY_INTERRUPTIONS = Counter("limner_relay_interruptions", "Times the relay broke and began again.", ["service"])

MESSAGES = Counter(
    "limner_consumer_messages",
    "Tries to handle a message, by outcome: handled, repeated (its effect was there already), failed (it is tried again "
    "in place), set_aside (it is tried again later), dead_lettered.",
    ["group", "outcome"],
)
MESSAGE_SECONDS = Histogram(
    "limner_consumer_message_seconds",
    "Time to handle a message, its transaction included, whatever the outcome.",
    ["group"],
    buckets=SHORT_BUCKETS,
)
STALLED = Gauge(
    "limner_consumer_stalled_messages", "Messages that failed and are tried again in place, with all behind them.", ["group"]
)
INTERRUPTIONS = Counter(
    "limner_consumer_interruptions", "Times a consumer lost the bus or the database and joined its group again.", ["group"]
)
LAG_MESSAGES = Gauge(
    "limner_consumer_lag_messages",
    "Messages on the bus that the group has not done; counted up to 100,000 on the log table.",
    ["group", "topic"],
)
DEAD_LETTERS = Gauge("limner_consumer_dead_letters", "Messages that the group has set aside for people.", ["group"])
IS_UP = Gauge("limner_bus_is_up", "1 when the bus answered for this page, 0 when not.")
