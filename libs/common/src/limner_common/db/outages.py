"""Tells the database being away from everything else that can go wrong with a statement."""

from socket import gaierror

import asyncpg
import sqlalchemy as sa

#: Raised by the driver itself: while connecting, or on a connection that we use without SQLAlchemy.
_AWAY = (
    sa.exc.TimeoutError,  # no connection of the pool became free
    ConnectionError,
    gaierror,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
#: The same as PostgreSQL's states, in errors that SQLAlchemy has wrapped: a server that ends, starts, or has no room.
_AWAY_STATES = ("08", "57P01", "57P02", "57P03", "53300")


def is_outage(error: BaseException) -> bool:
    """Return whether an error says that the database is away, so that the same may succeed a little later."""
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or _state(error).startswith(_AWAY_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # the connection was lost, and then used
    return isinstance(error, _AWAY)


def _state(error: sa.exc.DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
