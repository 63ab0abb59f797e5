"""What PostgreSQL's failures mean to callers: come back later, or send something else."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

from limner_common.db.metrics import OUTAGES
from limner_common.errors import DomainError, Invalid, Unavailable

log = structlog.get_logger(__name__)

_AWAY: Final = "The database is not reachable at the moment."
_CROWDED: Final = "All connections to the database are in use. Try again."
_SLOW: Final = "The database took too long to answer. Ask for less at once, or try again later."
_BUSY: Final = "The database is busy with the same data. Try again."
_READ_ONLY: Final = "The database takes no changes at the moment."
_UNSTORABLE: Final = "Texts must not contain null characters or unpaired surrogates."

#: By SQLSTATE, or its first two digits for a whole class.
#: Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_SENTENCES: Final = {
    "08": _AWAY,  # connection exception
    "28": _AWAY,  # who we are is not accepted: somebody changes passwords
    "3D000": _AWAY,  # the database is being restored or moved
    "53": _AWAY,  # no more connections, memory or disk
    "57": _AWAY,  # shut down, restarting, starting up
    "58": _AWAY,  # the server's own disk
    "57014": _SLOW,  # statement_timeout
    "25P03": _SLOW,  # idle_in_transaction_session_timeout
    "40001": _BUSY,  # serialization failure
    "40P01": _BUSY,  # deadlock
    "55P03": _BUSY,  # lock_timeout
    "25006": _READ_ONLY,  # a standby answers at the primary's address
}
_CODES: Final = {
    _AWAY: "database_away",
    _CROWDED: "database_crowded",
    _SLOW: "database_slow",
    _BUSY: "database_busy",
    _READ_ONLY: "database_read_only",
}
#: PostgreSQL's states for text that it cannot hold: NUL, and what has no UTF-8 form.
_UNSTORABLE_STATES: Final = ("22021", "22P05")
_RETRY_AFTER_SECONDS: Final = 2
#: Not all of OSError: a full disk of ours is no failure of the database.
_FAILURES: Final = (
    sa.exc.SQLAlchemyError,
    AsyncAdapt_asyncpg_dbapi.Error,  # comes out bare when a driver's connection is asked for and cannot be made
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement met the server's farewell, which nobody had read yet
    ConnectionError,
    TimeoutError,
    UnicodeEncodeError,
)


@asynccontextmanager
async def outages_translated(service: str | None = None) -> AsyncIterator[None]:
    """Turn failures of the database, raised in the block by either driver, into domain errors; others go on.

    Args:
        service: Whose outages are counted; None for those that others than the primary have.

    Raises:
        Unavailable: It is away, busy or too slow; says when to come back.
        Invalid: A text cannot be stored.
    """
    try:
        yield
    except _FAILURES as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        if isinstance(meaning, Unavailable) and service is not None:
            if meaning.code == _CODES[_AWAY]:
                OUTAGES.labels(service).inc()
            # The driver's own words: those of SQLAlchemy have the statement and its values.
            log.warning("database_failed", service=service, code=meaning.code, error=repr(getattr(error, "orig", error)))
        raise meaning from error


def _meaning(error: Exception) -> DomainError | None:
    if isinstance(error, sa.exc.TimeoutError):  # of the pool
        return _unavailable(_CROWDED)
    state = _state(error)
    if state in _UNSTORABLE_STATES or any(isinstance(cause, UnicodeEncodeError) for cause in _causes(error)):
        return Invalid(_UNSTORABLE, code="unstorable_text")
    sentence = _SENTENCES.get(state) or _SENTENCES.get(state[:2])
    if sentence is not None:
        return _unavailable(sentence)
    return _unavailable(_AWAY) if _is_lost(error) else None


def _state(error: BaseException) -> str:
    """Return the SQLSTATE, "" when the server said nothing."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


def _is_lost(error: BaseException) -> bool:
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    return any(
        isinstance(cause, ConnectionError | TimeoutError | asyncpg.InternalClientError)
        # The driver has one class for wrong use and for use after the end; also of a connection that cannot be rolled back,
        # because the statement before met the server's farewell.
        or (
            isinstance(cause, asyncpg.InterfaceError)
            and ("closed" in str(cause) or isinstance(cause.__context__, asyncpg.InternalClientError))
        )
        for cause in _causes(error)
    )


def _unavailable(sentence: str) -> Unavailable:
    return Unavailable(sentence, code=_CODES[sentence], retry_after_seconds=_RETRY_AFTER_SECONDS)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
