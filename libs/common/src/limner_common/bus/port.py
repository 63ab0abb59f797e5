"""What we need of an event bus."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from limner_common.db.uow import OutgoingMessage

#: Seconds until a message that an order-free consumer failed on is tried again, one per further try. After the last of
#: them it goes to the dead letters.
RETRY_DELAYS_SECONDS = (10.0, 60.0, 600.0)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is kept, for adapters that have to create it.

    Attributes:
        name: As in ``proto/topics.yaml``.
        partitions: How many consumers of one group can share the topic at most.
        retention_hours: How long messages are kept at least.
    """

    name: str
    partitions: int
    retention_hours: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message handed to a consumer group.

    Attributes:
        position: Opaque to consumers; the subscription finds the message again by it.
        partition: What keeps its order among itself: messages of one partition arrive one after the other. Opaque.
        attempt: 1 at first; one more each time it was set aside with ``retry_later``.
    """

    event_id: UUID
    topic: str
    key: str
    payload: bytes
    headers: dict[str, str]
    position: object
    partition: str = ""
    attempt: int = 1


class Subscription(Protocol):
    """One member of a consumer group."""

    def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """Yield messages for ever, in order per key, starting after the group's last commit.

        Has to be read all the time, or the member counts as stuck; ``pause`` holds back what cannot be taken yet.

        Raises:
            Unavailable: The bus is away; close and subscribe again.
        """
        ...

    def is_held(self, delivery: Delivery) -> bool:
        """Whether the message is still this member's: after a rebalance another member gets it."""
        ...

    async def commit(self, delivery: Delivery) -> None:
        """Say that this message and all before it on its partition are done.

        A crash soon after may forget it and deliver again. Does nothing for a message that is no longer held.
        """
        ...

    async def retry_later(self, delivery: Delivery, reason: str) -> bool:
        """Set a message aside to come again after a while, out of order, and commit it.

        Returns:
            False when it came again often enough; nothing was done then.

        Raises:
            Unavailable: It could not be set aside and is not committed.
        """
        ...

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Set a message aside for people, with the reason it does not work, and commit it.

        Raises:
            Unavailable: It could not be set aside and is not committed.
        """
        ...

    def pause(self, partition: str) -> None:
        """Yield no more messages of a partition until ``resume``; a few that were fetched before may still come."""
        ...

    def resume(self, partition: str) -> None:
        """Yield messages of a partition again."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a group could not handle.

    Attributes:
        group: The group it died in; others may have handled it.
        event_id: The event's id, which also names the dead letter within its group.
        reason: Why, for people.
        attempts: How many times it was delivered.
    """

    group: str
    event_id: UUID
    topic: str
    key: str
    payload: bytes
    headers: dict[str, str]
    reason: str
    attempts: int
    dead_at: datetime


class DeadLetters(Protocol):
    """Messages set aside, by group. All methods raise ``Unavailable`` when the bus is away."""

    async def counts(self) -> dict[str, int]:
        """Return how many there are, by group; groups without any are left out."""
        ...

    async def page(self, group: str, *, limit: int, after: UUID | None = None) -> Sequence[DeadLetter]:
        """Return a group's dead letters, oldest first, from the one behind ``after`` on."""
        ...

    async def find(self, group: str, event_id: UUID) -> DeadLetter | None:
        """Return one dead letter, or None."""
        ...

    async def replay(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Deliver messages again, to this group only and under the same event ids; returns how many there were.

        They come out of order, once their group runs. After a crash in the middle some may be listed still although they
        are delivered: replaying again is harmless.
        """
        ...

    async def drop(self, group: str, event_ids: Sequence[UUID]) -> int:
        """Forget messages for good; returns how many there were."""
        ...


class Bus(Protocol):
    """At-least-once delivery, in order per key within a topic, to every subscribed group.

    A group that subscribes for the first time starts at the oldest message kept.
    """

    @property
    def dead_letters(self) -> DeadLetters:
        """What groups could not handle."""
        ...

    async def prepare(self) -> None:
        """Create what the bus needs where it keeps messages, when it is missing; safe to call from several processes.

        Raises:
            Unavailable: The bus is away, or refuses; the message says what to do.
        """
        ...

    async def check(self) -> None:
        """Return when the bus answers now; one cheap round trip, for readiness checks.

        Raises:
            Unavailable: It does not; the message tells strangers nothing.
        """
        ...

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Hand over messages durably: when this returns, no crash loses them.

        Raises:
            Unavailable: The bus is away; of each partition nothing or a prefix was published, publishing all again is safe.
        """
        ...

    async def subscribe(self, group: str, topics: Sequence[str], *, is_patient: bool = False) -> Subscription:
        """Join a consumer group on topics; waits for nothing, ``deliveries`` does.

        Args:
            group: Its name.
            topics: What it reads.
            is_patient: Messages may be gathered for half a second where that saves work.
        """
        ...

    async def lags(self, groups: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], int]:
        """Return by (group, topic) how many messages the group has not done; for metrics, so cheap and about right.

        Args:
            groups: Topics of each consumer group.

        Raises:
            Unavailable: The bus is away.
        """
        ...

    async def maintain(self) -> None:
        """Keep the bus tidy for ever, or return when it does so by itself."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
