"""Time as the services see it: aware UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def wire_date(value: datetime) -> str:
    """Render a moment as clients expect it: ISO 8601, microseconds, ``Z``."""
    # Lists render hundreds of dates; drivers give them in UTC, and isoformat takes half the time of strftime.
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"
