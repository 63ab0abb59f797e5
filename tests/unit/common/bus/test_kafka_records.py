"""What a Kafka record says of a message, and what is read from it."""

from types import SimpleNamespace
from typing import Any

from limner_common.bus.kafka.records import (
    Record,
    dead_event_id,
    dead_letter_of,
    dead_record,
    delivery_of,
    due_at,
    record_of,
    retry_record,
)
from limner_common.bus.kafka.topics import Names
from limner_common.bus.port import Delivery
from limner_common.db.uow import OutgoingMessage
from limner_common.ids import new_uuid

_SENT = OutgoingMessage(new_uuid(), "limner.catalog.task.v1", "clé", b"\x08\x01", {"traceparent": "00-ab"})


def read(record: Record, offset: int = 3) -> Any:
    """Return a record as the client reads it."""
    return SimpleNamespace(
        topic=record.topic,
        partition=record.partition or 0,
        offset=offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        timestamp=1_700_000_000_000,
    )


def delivered(record: Record, **also: Any) -> Delivery:
    return delivery_of(read(record, **also), "limner.catalog.task.v1", "p", None)


def test_a_message_arrives_as_it_was_sent() -> None:
    delivery = delivered(record_of(_SENT, "x.limner.catalog.task.v1"))
    assert (delivery.event_id, delivery.topic, delivery.key) == (_SENT.event_id, _SENT.topic, _SENT.key)
    assert (delivery.payload, delivery.headers, delivery.attempt) == (_SENT.payload, _SENT.headers, 1)


def test_a_retried_message_says_where_it_came_from_and_when_it_is_due() -> None:
    record = retry_record(delivered(record_of(_SENT, "t")), "x.limner.retry.g", 2, attempt=3, due_at=1234.5)
    assert (record.topic, record.partition, due_at(read(record))) == ("x.limner.retry.g", 2, 1234.5)
    again = delivery_of(read(record), "limner.retry.g", "p", None)
    assert (again.event_id, again.topic, again.key, again.attempt) == (_SENT.event_id, _SENT.topic, _SENT.key, 3)
    assert (again.payload, again.headers) == (_SENT.payload, _SENT.headers)


def test_a_dead_letter_is_found_under_its_event_and_keeps_its_key() -> None:
    record = dead_record(delivered(record_of(_SENT, "t")), "x.limner.dead.g", "não entendido", "t/0/7")
    assert dead_event_id(record.key) == _SENT.event_id
    letter = dead_letter_of(read(record), "g")
    assert (letter.event_id, letter.topic, letter.key) == (_SENT.event_id, _SENT.topic, _SENT.key)
    assert (letter.reason, letter.attempts, letter.headers) == ("não entendido", 1, _SENT.headers)
    assert letter.dead_at.isoformat() == "2023-11-14T22:13:20+00:00"


def test_a_death_is_the_same_when_its_message_is_delivered_twice_and_another_when_it_was_replayed() -> None:
    dead = delivered(record_of(_SENT, "t"))
    first, again, replayed = (dead_record(dead, "d", "?", place).key for place in ("t/0/7", "t/0/7", "retry/0/1"))
    assert first == again != replayed
    assert dead_event_id(first) == dead_event_id(replayed)


def test_a_message_without_our_headers_has_an_id_that_stays_the_same() -> None:
    foreign = Record("t", b"\xff", b"?", (("limner-event-id", b"nonsense"),))
    first, second, other = delivered(foreign), delivered(foreign), delivered(foreign, offset=4)
    assert first.event_id == second.event_id != other.event_id
    assert (first.key, first.headers) == ("�", {})


def test_a_tombstone_is_read_as_an_empty_message() -> None:
    assert delivered(Record("t", b"k", None)).payload == b""


def test_names_of_an_installation_begin_with_its_prefix() -> None:
    names = Names("blue.")
    assert names.topic("limner.media.data.v1") == "blue.limner.media.data.v1"
    assert names.without_prefix("blue.limner.media.data.v1") == "limner.media.data.v1"
    assert names.group("api.data") == "blue.api.data"
    topics = [names.dead("api.data"), Names("green.").dead("api.data"), names.retry("api.data"), "limner.dead.api.requests"]
    assert names.groups_of_dead(topics) == ["api.data"]
