"""Documents of clients: read, filled, or refused by field."""

from typing import Any

import msgspec
import pytest

from limner_annotations.revisions.documents import Kind, Target
from limner_annotations.revisions.parsing import parse_document, parse_targets, refusal, refuse_ids, targets_of
from limner_common.errors import Invalid
from limner_model.annotations import LabeledData, Tag
from limner_model.validation import InvalidAnnotations
from tests.unit.model.builders import SCHEMA, rectangle, values_of


def parse(body: Any, **options: Any) -> LabeledData:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return parse_document(encoded, SCHEMA, start_frame=0, stop_frame=9, **options)


def test_attributes_are_filled() -> None:
    data = parse({"shapes": [msgspec.to_builtins(rectangle(1, 0.0))]})
    assert values_of(data.shapes[0].attributes) == {5: "grey", 6: ""}


def test_an_empty_body_is_an_empty_document() -> None:
    assert parse(b"") == parse({}) == LabeledData()


def test_frames_outside_are_refused_by_field() -> None:
    body = {"shapes": [msgspec.to_builtins(rectangle(1, 0.0)), msgspec.to_builtins(rectangle(10, 0.0))]}
    with pytest.raises(Invalid) as refused:
        parse(body)
    assert refused.value.fields == {"shapes": {"1": {"frame": ["frame 10 is not one of the frames 0 to 9"]}}}
    with pytest.raises(Invalid):
        parse({"shapes": body["shapes"][:1]}, included_frames={2})


@pytest.mark.parametrize(
    ("errors", "fields"),
    [
        ([("shapes[3].points", "a")], {"shapes": {"3": {"points": ["a"]}}}),
        ([("tags[0].id", "a"), ("tags[0].id", "b")], {"tags": {"0": {"id": ["a", "b"]}}}),
        (
            [("tracks[1].shapes[2].attributes[0].spec_id", "a")],
            {"tracks": {"1": {"shapes": {"2": {"attributes": {"0": {"spec_id": ["a"]}}}}}}},
        ),
        (
            [("shapes[0].points", "a"), ("shapes[0].points[1]", "b")],
            {"shapes": {"0": {"points": {"non_field_errors": ["a"], "1": ["b"]}}}},
        ),
        (
            [("shapes[0].points[1]", "b"), ("shapes[0].points", "a")],
            {"shapes": {"0": {"points": {"non_field_errors": ["a"], "1": ["b"]}}}},
        ),
    ],
)
def test_faults_nest_like_the_document(errors: list[tuple[str, str]], fields: Any) -> None:
    assert refusal(InvalidAnnotations(errors)).fields == fields


def test_a_fault_of_the_document_has_no_fields() -> None:
    error = refusal(InvalidAnnotations([("", "not JSON")]))
    assert (error.fields, error.message) == (None, "not JSON")


def test_ids_of_objects_to_create_are_refused() -> None:
    refuse_ids(LabeledData(tags=[Tag(frame=0, label_id=8)]))
    with pytest.raises(Invalid) as refused:
        refuse_ids(LabeledData(shapes=[rectangle(0, 0.0), rectangle(0, 0.0, id=0)]))
    assert list(refused.value.fields or {}) == ["shapes"]


def test_targets_are_the_objects_with_ids() -> None:
    data = LabeledData(tags=[Tag(frame=0, label_id=8, id=5)], shapes=[rectangle(0, 0.0), rectangle(0, 0.0, id=5)])
    assert targets_of(data) == [Target(Kind.TAG, 5), Target(Kind.SHAPE, 5)]
    with pytest.raises(Invalid, match="The id 5 is there more than once"):
        targets_of(LabeledData(tags=[Tag(frame=0, label_id=8, id=5), Tag(frame=1, label_id=8, id=5)]))


def test_objects_to_delete_need_an_id_only_and_come_back_as_sent() -> None:
    targets, answer = parse_targets(b'{"shapes": [{"id": 4, "x": [1.50]}, {"id": 4}], "tags": [{"id": 2}]}')
    assert targets == [Target(Kind.TAG, 2), Target(Kind.SHAPE, 4)]
    assert answer == b'{"version":0,"tags":[{"id": 2}],"shapes":[{"id": 4, "x": [1.50]}, {"id": 4}],"tracks":[]}'
    assert parse_targets(b"") == ([], b'{"version":0,"tags":[],"shapes":[],"tracks":[]}')


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"tags": 5}', b'{"tags": [{"id": "x"}]}', b'{"tags": [{"id": null}]}'])
def test_what_is_no_list_of_objects_to_delete_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse_targets(body)
