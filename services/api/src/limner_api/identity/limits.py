"""Pauses after too many wrong passwords. Kept per process and bounded: a brake on guessing, not a ledger."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil

from limner_api.metrics import LOGIN_FAILURES
from limner_common.errors import RateLimited

_KEYS_MAX = 10_000


class FailureLimiter:
    """Counts failures by key in windows of fixed length.

    Args:
        failures_max: Failures in a window before ``check`` refuses.
        window_seconds: Length of a window, from its first failure.
        now: Monotonic seconds.
    """

    def __init__(self, failures_max: int, window_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._max = failures_max
        self._window = window_seconds
        self._now = now
        self._failures: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def check(self, key: Hashable) -> None:
        """Raise when the key has to wait.

        Raises:
            RateLimited: Too many failures; says when to come back.
        """
        started, count = self._failures.get(key, (0.0, 0))
        left = started + self._window - self._now()
        if count >= self._max and left > 0:
            LOGIN_FAILURES.labels("paused").inc()
            raise RateLimited(
                f"Too many failed login attempts. Try again in {ceil(left)} seconds.", retry_after_seconds=ceil(left)
            )

    def fail(self, key: Hashable) -> None:
        """Count a failure."""
        LOGIN_FAILURES.labels("wrong").inc()
        now = self._now()
        started, count = self._failures.pop(key, (now, 0))
        if started + self._window <= now:
            started, count = now, 0
        self._failures[key] = (started, count + 1)
        while len(self._failures) > _KEYS_MAX:
            self._failures.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Start anew after a success."""
        self._failures.pop(key, None)
