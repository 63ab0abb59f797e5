"""A message as Kafka carries it: payload, key, and headers with what else there is to say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from limner_common.bus.port import DeadLetter, Delivery
from limner_common.db.uow import OutgoingMessage

_OURS = "limner-"
EVENT_ID = _OURS + "event-id"
TOPIC = _OURS + "topic"
KEY = _OURS + "key"
ATTEMPT = _OURS + "attempt"
DUE_AT = _OURS + "due-at"  # milliseconds since 1970
REASON = _OURS + "reason"

#: Names messages of producers that are not ours and gave no event id; any constant will do.
_FOREIGN = UUID("5b0d4a36-6a0e-4d8e-9a39-2f0e2c4f3a52")


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be written.

    Attributes:
        topic: Full name, with the installation's prefix.
        value: None for a tombstone, which makes a compacted topic forget the key.
        partition: Where to; by the key when None.
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


def record_of(message: OutgoingMessage, topic: str) -> Record:
    """Return an outgoing message as a record of a topic."""
    return Record(topic, message.key.encode(), message.payload, _headers(message.headers, {EVENT_ID: message.event_id}))


def retry_record(delivery: Delivery | DeadLetter, topic: str, partition: int, *, attempt: int, due_at: float) -> Record:
    """Return a message that comes again, for the partition with its delay; ``due_at`` in seconds since 1970."""
    ours = {
        EVENT_ID: delivery.event_id,
        TOPIC: delivery.topic,
        ATTEMPT: attempt,
        DUE_AT: int(due_at * 1000),
    }
    return Record(topic, delivery.key.encode(), delivery.payload, _headers(delivery.headers, ours), partition)


def dead_record(delivery: Delivery, topic: str, reason: str, place: str) -> Record:
    """Return a dead letter, which a tombstone under its key takes away.

    Args:
        delivery: What died.
        topic: Of the group's dead letters.
        reason: For people.
        place: Where it lay. It makes the key, so that what dies again after a replay is not taken away with its first death,
            while one that is delivered a second time, because its commit was lost, is still the same.
    """
    ours = {
        EVENT_ID: delivery.event_id,
        TOPIC: delivery.topic,
        KEY: delivery.key,
        ATTEMPT: delivery.attempt,
        REASON: reason,
    }
    return Record(topic, f"{delivery.event_id}@{place}".encode(), delivery.payload, _headers(delivery.headers, ours))


def dead_event_id(key: bytes) -> UUID:
    """Return the event that a key of a dead-letter topic speaks of."""
    return UUID(_text(key).partition("@")[0])


def delivery_of(record: Any, topic: str, partition: str, position: object) -> Delivery:
    """Return a record read as a delivery.

    Args:
        record: ``aiokafka.ConsumerRecord``.
        topic: Its topic without the prefix; a retried message says itself which it came from.
        partition: Name of its partition.
        position: What the subscription finds it by.
    """
    theirs, ours = _split(record.headers)
    return Delivery(
        event_id=_event_id(record, ours),
        topic=ours.get(TOPIC, topic),
        key=_text(record.key),
        payload=record.value or b"",
        headers=theirs,
        position=position,
        partition=partition,
        attempt=int(ours.get(ATTEMPT, 1)),
    )


def due_at(record: Any) -> float:
    """Return when a retried message is due, in seconds since 1970."""
    _, ours = _split(record.headers)
    return int(ours.get(DUE_AT, 0)) / 1000


def dead_letter_of(record: Any, group: str) -> DeadLetter:
    """Return a record of a dead-letter topic as a dead letter."""
    theirs, ours = _split(record.headers)
    return DeadLetter(
        group=group,
        event_id=dead_event_id(record.key),
        topic=ours.get(TOPIC, ""),
        key=ours.get(KEY, ""),
        payload=record.value,
        headers=theirs,
        reason=ours.get(REASON, ""),
        attempts=int(ours.get(ATTEMPT, 1)),
        dead_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )


def _headers(theirs: Mapping[str, str], ours: Mapping[str, object]) -> tuple[tuple[str, bytes], ...]:
    both = {**theirs, **{name: str(value) for name, value in ours.items()}}
    return tuple((name, value.encode()) for name, value in both.items())


def _split(headers: Iterable[tuple[str, bytes]]) -> tuple[dict[str, str], dict[str, str]]:
    theirs: dict[str, str] = {}
    ours: dict[str, str] = {}
    for name, value in headers:
        (ours if name.startswith(_OURS) else theirs)[name] = _text(value)
    return theirs, ours


def _event_id(record: Any, ours: Mapping[str, str]) -> UUID:
    """Return the id that the producer gave, or one that stays the same for what a foreign producer wrote."""
    try:
        return UUID(ours[EVENT_ID])
    except (KeyError, ValueError):
        return uuid5(_FOREIGN, f"{record.topic}/{record.partition}/{record.offset}")


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
