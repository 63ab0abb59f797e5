"""Metrics of requests."""

from prometheus_client import Gauge, Histogram

from limner_common.observe.metrics import REQUEST_BUCKETS

REQUEST_SECONDS = Histogram(
    "limner_http_request_seconds",
    "Time from the request's first byte to the end of the answer; streams of events last until the client leaves.",
    ["service", "method", "route", "status"],
    buckets=REQUEST_BUCKETS,
)
REQUESTS_IN_PROGRESS = Gauge("limner_http_requests_in_progress", "Requests that are being answered.", ["service"])
