"""Time as the services see it: aware UTC."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def wire_date(value: datetime) -> str:
    """Render a moment as clients expect it: ISO 8601, microseconds, ``Z``."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
