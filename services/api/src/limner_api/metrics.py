"""Metrics of the service itself; what all services share is measured in ``limner_common``."""

from prometheus_client import Counter, Gauge

LOGIN_FAILURES = Counter(
    "limner_api_login_failures",
    "Passwords that were refused, by reason: wrong (or no such account), paused (after too many wrong ones).",
    ["reason"],
)
LIVE_LISTENERS = Gauge("limner_api_live_listeners", "Clients that listen to events of their requests.")
