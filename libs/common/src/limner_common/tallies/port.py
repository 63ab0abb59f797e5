"""Counts of what happened within windows of fixed length. A brake, not a ledger: counts may be lost."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in the window that runs.

    Attributes:
        count: How often; 0 when no window runs.
        left_seconds: Until the window ends and the count with it; 0 when none runs.
    """

    count: int
    left_seconds: float


class Tally(Protocol):
    """Counts by key, in windows that begin with the first count. Bounded: keys may be forgotten early."""

    async def read(self, key: str) -> Count | None:
        """Return the count of a key; None when it cannot be known now."""
        ...

    async def add(self, key: str, window_seconds: float) -> None:
        """Count once more; the first count begins a window of the length given, further ones do not prolong it.

        Lost when the tally is away.
        """
        ...

    async def forget(self, key: str) -> None:
        """Begin anew."""
        ...
