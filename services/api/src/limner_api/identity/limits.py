"""Pauses after too many wrong passwords: a brake on guessing, not a ledger.

Replicas count together where they share a tally.
"""

import time
from collections.abc import Callable
from math import ceil

from limner_api.metrics import LOGIN_FAILURES
from limner_common.errors import RateLimited
from limner_common.tallies import Count, MemoryTally, Tally


class FailureLimiter:
    """Counts failures by key in windows of fixed length, with all replicas; in this process alone while they cannot.

    Args:
        failures_max: Failures in a window before ``check`` refuses.
        window_seconds: Length of a window, from its first failure.
        shared: Counts for all replicas; None where there is but one, or nothing to share by.
        now: Monotonic seconds, for what this process counts.
    """

    def __init__(
        self,
        failures_max: int,
        window_seconds: float,
        *,
        shared: Tally | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max = failures_max
        self._window_seconds = window_seconds
        self._shared = shared
        self._own = MemoryTally(now)

    async def check(self, key: str) -> None:
        """Raise when the key has to wait.

        Raises:
            RateLimited: Too many failures; says when to come back.
        """
        counted = await self._count(key)
        if counted.count >= self._max:
            LOGIN_FAILURES.labels("paused").inc()
            left = max(1, ceil(counted.left_seconds))
            raise RateLimited(f"Too many failed login attempts. Try again in {left} seconds.", retry_after_seconds=left)

    async def fail(self, key: str) -> None:
        """Count a failure."""
        LOGIN_FAILURES.labels("wrong").inc()
        # Here too: the shared count may be gone the next time.
        await self._own.add(key, self._window_seconds)
        if self._shared is not None:
            await self._shared.add(key, self._window_seconds)

    async def forget(self, key: str) -> None:
        """Start anew after a success."""
        await self._own.forget(key)
        if self._shared is not None:
            await self._shared.forget(key)

    async def _count(self, key: str) -> Count:
        shared = None if self._shared is None else await self._shared.read(key)
        return await self._own.read(key) if shared is None else shared
