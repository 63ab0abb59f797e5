"""Every event that was ever published can be read by today's code.

A new fact needs an example: write ``proto/examples/<topic>/<fact>.json`` and run ``python -m tests.contract.golden_events``,
which writes its bytes beside it. Neither file changes afterwards.
"""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format

from tests.contract.golden_events import EXAMPLES, TOPICS, encoded, event_from_text, facts_of, message_of

_FILES = sorted(EXAMPLES.glob("*/*.json"))
_every_example = pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")


@_every_example
def test_an_example_of_old_bytes_still_says_the_same(path: Path) -> None:
    event = message_of(path.parent.name).FromString(path.with_suffix(".binpb").read_bytes())
    assert json_format.MessageToDict(event, preserving_proto_field_name=True) == json.loads(path.read_text())


@_every_example
def test_an_example_is_encoded_to_the_same_bytes(path: Path) -> None:
    event = event_from_text(path.parent.name, path.read_text())
    assert encoded(event) == path.with_suffix(".binpb").read_bytes()


@_every_example
def test_an_example_carries_one_fact_and_says_who_and_when(path: Path) -> None:
    event = event_from_text(path.parent.name, path.read_text())
    assert path.stem.startswith(event.WhichOneof("fact"))
    assert event.meta.producer == TOPICS[path.parent.name]["producer"]
    assert event.meta.event_id and event.meta.occurred_at.seconds


@pytest.mark.parametrize("topic", TOPICS)
def test_every_fact_has_an_example(topic: str) -> None:
    shown = {event_from_text(topic, path.read_text()).WhichOneof("fact") for path in (EXAMPLES / topic).glob("*.json")}
    assert shown == set(facts_of(topic))


def test_examples_belong_to_topics() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_fact_of_a_newer_release_is_no_error_and_no_fact(topic: str) -> None:
    newer = bytes([0xFA, 0x3F, 0x02, 0x08, 0x01])  # field 1023, a message with one number
    event = message_of(topic).FromString(newer)
    assert event.WhichOneof("fact") is None


def test_every_message_of_an_event_stream_begins_with_its_meta() -> None:
    for topic in TOPICS:
        field = message_of(topic).DESCRIPTOR.fields_by_number[1]
        assert (field.name, field.message_type.full_name) == ("meta", "limner.common.v1.EventMeta")
