"""What the metrics of all parts have in common; each part defines its own in a module ``metrics`` beside what it measures.

Names are a promise to dashboards and alerts: ``docs/operate/observability.md`` lists all of them, and a test holds that page
against the registry. Labels are bounded: services, groups, topics, kinds of work, routes, formats; never ids, never people.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from prometheus_client import Gauge, Histogram, disable_created_metrics

# When a counter began says nothing here that its resets do not, and would double the page.
disable_created_metrics()  # type: ignore[no-untyped-call]

#: Of what is done in passing: a look into the database, a message.
SHORT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
#: Of what somebody waits for.
REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
#: Of background work, which takes from milliseconds to hours.
WORK_BUCKETS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)

#: Of ``limner_common.readiness``, which belongs to no part.
READINESS_CHECK_IS_OK = Gauge(
    "limner_readiness_check_is_ok",
    "1 when what the process needs or would like to have was there at the last look, 0 when not; from the first probe on.",
    ["service", "check"],
)
BUILD = Gauge("limner_build_info", "Always 1; the label says which version runs.", ["version"])


@contextmanager
def timed(histogram: Histogram, *labels: str) -> Iterator[None]:
    """Observe how long the block takes, however it ends; ``labels`` are all labels of the histogram."""
    started = perf_counter()
    try:
        yield
    finally:
        histogram.labels(*labels).observe(perf_counter() - started)
