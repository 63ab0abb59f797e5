"""What we need of an event bus."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from limner_common.db.uow import OutgoingMessage


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message handed to a consumer group. ``position`` is opaque to consumers and given back on commit."""

    event_id: UUID
    topic: str
    key: str
    payload: bytes
    headers: dict[str, str]
    position: object


class Subscription(Protocol):
    """One member of a consumer group."""

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages for ever, in order per key, starting after the group's last commit."""
        ...

    async def commit(self, delivery: Delivery) -> None:
        """Say that this message and all before it on its partition are done."""
        ...

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Set a message aside with the reason it can never work, so that the ones behind it go on."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Bus(Protocol):
    """At-least-once delivery, in order per key within a topic, to every subscribed group.

    A group that subscribes for the first time starts at the oldest message kept.
    """

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Hand over messages durably: when this returns, no crash loses them.

        Raises:
            Unavailable: The bus is away; nothing or a prefix was published, publishing again is safe.
        """
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join a consumer group on topics."""
        ...

    async def lags(self, groups: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
        """Return by (group, topic) how many messages the group has not done; for metrics, so cheap and about right.

        Args:
            groups: Topics of each consumer group.

        Raises:
            Unavailable: The bus is away.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
