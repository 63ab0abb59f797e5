"""The bus of the embedded product: a log table in PostgreSQL, LISTEN/NOTIFY to wake up."""

from limner_common.bus.local.bus import LocalBus

__all__ = ["LocalBus"]
