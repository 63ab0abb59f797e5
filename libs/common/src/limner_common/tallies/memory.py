"""A tally of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable

from limner_common.tallies.port import Count

_KEYS_MAX = 10_000


class MemoryTally:
    """``Tally`` in memory; of more than 10,000 keys those that were counted least recently are forgotten.

    Args:
        now: Monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def read(self, key: str) -> Count:
        """See ``Tally.read``; always known."""
        ends_at, count = self._counts.get(key, (0.0, 0))
        left_seconds = ends_at - self._now()
        return Count(count, left_seconds) if count and left_seconds > 0 else Count(0, 0.0)

    async def add(self, key: str, window_seconds: float) -> None:
        """See ``Tally.add``."""
        now = self._now()
        ends_at, count = self._counts.pop(key, (0.0, 0))
        if ends_at <= now:
            ends_at, count = now + window_seconds, 0
        self._counts[key] = (ends_at, count + 1)
        while len(self._counts) > _KEYS_MAX:
            self._counts.popitem(last=False)

    async def forget(self, key: str) -> None:
        """See ``Tally.forget``."""
        self._counts.pop(key, None)
