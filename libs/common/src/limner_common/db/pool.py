"""A connection pool that says how long callers had to wait for it."""

from time import perf_counter
from typing import NamedTuple

from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection

from limner_common.db.metrics import POOL_WAIT_SECONDS


class PoolUsage(NamedTuple):
    """How many connections a pool may have open, and how many of them are lent now."""

    size: int
    in_use: int


class MeasuredPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool; its ``logging_name`` is the service it belongs to.

    Only waits are measured: a caller who finds a connection pays for one comparison.
    """

    def usage(self) -> PoolUsage:
        """Return how busy the pool is now."""
        return PoolUsage(self.size() + self._max_overflow, self.checkedout())

    def connect(self) -> PoolProxiedConnection:
        """Lend a connection; waits while all are lent."""
        size, in_use = self.usage()
        if in_use < size:
            return super().connect()
        started = perf_counter()
        try:
            return super().connect()
        finally:
            POOL_WAIT_SECONDS.labels(self.logging_name or "").observe(perf_counter() - started)
