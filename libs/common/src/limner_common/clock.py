"""Time as the services see it: aware UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def wire_date(value: datetime) -> str:
    """Render a moment as clients expect it: ISO 8601, microseconds, ``Z``."""
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"


def json_date(value: datetime) -> str | datetime:
    """Return what ``JSONAnswer`` writes as ``wire_date`` would.

    Its encoder writes dates eight times faster, and lists hold hundreds of them; it leaves out the microseconds when there
    are none.
    """
    return value if value.microsecond and value.tzinfo is UTC else wire_date(value)
