import json
from typing import Any

import pytest

from limner_model.annotations import LabeledData
from limner_model.validation import InvalidAnnotations, decode_labeled_data, validate_labeled_data
from limner_model.validation.checks import MAX_ERRORS
from tests.unit.model.builders import (
    SCHEMA,
    boxes_track,
    golden_document,
    golden_schema,
    keys_of,
    read_golden,
    rectangle,
    values_of,
)

SHAPE = {"type": "rectangle", "frame": 0, "label_id": 1, "points": [1, 2, 30, 40]}
KEY = {"type": "rectangle", "frame": 0, "points": [1, 2, 30, 40]}
TRACK = {"frame": 0, "label_id": 1, "shapes": [KEY]}
POINT = {"type": "points", "frame": 0, "label_id": 3, "points": [5, 5]}
SKELETON = {"type": "skeleton", "frame": 0, "label_id": 2, "points": [], "elements": [POINT]}
POINT_KEY = {"type": "points", "frame": 0, "points": [5, 5]}
POINT_TRACK = {"frame": 0, "label_id": 3, "shapes": [POINT_KEY]}
SKELETON_TRACK = {
    "frame": 0,
    "label_id": 2,
    "shapes": [{"type": "skeleton", "frame": 0, "points": []}],
    "elements": [POINT_TRACK],
}
MASK = {"type": "mask", "frame": 0, "label_id": 1, "points": [0, 4, 5, 7, 6, 8]}


def accept(document: Any, **options: Any) -> LabeledData:
    data = decode_labeled_data(json.dumps(document).encode())
    return validate_labeled_data(data, SCHEMA, **{"start_frame": 0, "stop_frame": 9, **options})


def shape(**fields: Any) -> dict[str, Any]:
    return {"shapes": [{**SHAPE, **fields}]}


def tracked(**fields: Any) -> dict[str, Any]:
    return {"tracks": [{**TRACK, **fields}]}


def keyed(**fields: Any) -> dict[str, Any]:
    return tracked(shapes=[{**KEY, **fields}])


def attribute(spec_id: int, value: Any) -> list[dict[str, Any]]:
    return [{"spec_id": spec_id, "value": value}]


REFUSED = [
    # What the reference refuses as well, with its words.
    pytest.param(shape(label_id=999), "shapes[0].label_id", "label_id `999` is invalid", id="unknown label"),
    pytest.param(shape(points=["a", 1, 2, 3]), "shapes[0].points[0]", "Value must be a float or an integer", id="text"),
    pytest.param(shape(points=[1, None, 2, 3]), "shapes[0].points[1]", "Value must be a float or an integer", id="null"),
    pytest.param(shape(frame=-1), "shapes[0].frame", "greater than or equal to 0", id="negative frame"),
    pytest.param(shape(type="circle"), "shapes[0].type", '"circle" is not a valid choice.', id="unknown type"),
    pytest.param(
        shape(attributes=attribute(99, "1")), "shapes[0].attributes[0].spec_id", "`99` is invalid", id="unknown attribute"
    ),
    pytest.param(
        shape(attributes=attribute(7, "1")),
        "shapes[0].attributes[0].spec_id",
        "`7` is invalid",
        id="attribute of another label",
    ),
    pytest.param(shape(rotation=400), "shapes[0].rotation", "less than or equal to 360", id="rotation above 360"),
    pytest.param(shape(rotation=-10), "shapes[0].rotation", "greater than or equal to 0", id="negative rotation"),
    pytest.param(shape(z_order=1.5), "shapes[0].z_order", "A valid integer is required.", id="fraction as z-order"),
    pytest.param(shape(group=-1), "shapes[0].group", "greater than or equal to 0", id="negative group"),
    pytest.param(
        keyed(attributes=attribute(6, "x")),
        "tracks[0].shapes[0].attributes[0].spec_id",
        "`6` is invalid",
        id="immutable attribute on a keyframe",
    ),
    pytest.param(
        tracked(attributes=attribute(5, "x")),
        "tracks[0].attributes[0].spec_id",
        "`5` is invalid",
        id="mutable attribute on a track",
    ),
    pytest.param(
        {"shapes": [{"type": "rectangle", "frame": 0, "points": [1, 2, 3, 4]}]},
        "shapes[0].label_id",
        "This field is required.",
        id="no label",
    ),
    pytest.param(
        {"shapes": [{"type": "rectangle", "label_id": 1, "points": [1, 2, 3, 4]}]},
        "shapes[0].frame",
        "This field is required.",
        id="no frame",
    ),
    # What the reference answers with an error of its own.
    pytest.param(tracked(shapes=[]), "tracks[0].shapes", "at least one keyframe", id="track without keyframes"),
    pytest.param([], "", "Expected `object`", id="a list as body"),
    # What the reference takes, and then cannot use; later servers refuse most of it.
    pytest.param(shape(points=[1, 2, 3]), "shapes[0].points", "exactly 4", id="odd numbers"),
    pytest.param(shape(points=[1, 2, 3, 4, 5, 6]), "shapes[0].points", "exactly 4", id="rectangle of three points"),
    pytest.param(shape(points=[]), "shapes[0].points", "exactly 4", id="no points"),
    pytest.param(shape(frame=10), "shapes[0].frame", "frames 0 to 9", id="frame outside the job"),
    pytest.param(shape(type="polygon", points=[1, 1, 5, 5]), "shapes[0].points", "at least 6", id="polygon of two points"),
    pytest.param(
        shape(type="polygon", points=[1, 1, 5, 5, 7, 7, 8]), "shapes[0].points", "even count", id="polygon of odd numbers"
    ),
    pytest.param(shape(type="polyline", points=[1, 1]), "shapes[0].points", "at least 4", id="polyline of one point"),
    pytest.param(shape(type="points", points=[]), "shapes[0].points", "at least 2", id="no point"),
    pytest.param(shape(type="ellipse", points=[1, 1]), "shapes[0].points", "exactly 4", id="short ellipse"),
    pytest.param(shape(type="cuboid", points=[1, 2, 3, 4]), "shapes[0].points", "exactly 16", id="short cuboid"),
    pytest.param(shape(type="mask", points=[1, 2, 3]), "shapes[0].points", "at least one run", id="short mask"),
    pytest.param(
        shape(type="mask", points=[0, 4, 0, 0, 9, 9]),
        "shapes[0].points",
        "fill its box",
        id="mask that does not fill its box",
    ),
    pytest.param(
        {"shapes": [{**SKELETON, "elements": []}]},
        "shapes[0].elements",
        "at least one element",
        id="skeleton without elements",
    ),
    pytest.param({"shapes": [{**SKELETON, "points": [1, 1]}]}, "shapes[0].points", "exactly 0", id="skeleton with points"),
    pytest.param(shape(elements=[POINT]), "shapes[0].elements", "has no elements", id="elements of a rectangle"),
    pytest.param({"shapes": [POINT]}, "shapes[0].label_id", "label_id `3` is invalid", id="sublabel alone"),
    pytest.param(
        {"shapes": [{**SKELETON, "elements": [POINT, POINT]}]},
        "shapes[0].elements[1].label_id",
        "one element per sublabel",
        id="repeated sublabel",
    ),
    pytest.param(
        {"shapes": [{**SKELETON, "elements": [{**POINT, "label_id": 8}]}]},
        "shapes[0].elements[0].label_id",
        "`8` is invalid",
        id="label as sublabel",
    ),
    pytest.param(
        {"shapes": [{**SKELETON, "elements": [{**POINT, "points": [1, 1, 2, 2]}]}]},
        "shapes[0].elements[0].points",
        "exactly one point",
        id="element of two points",
    ),
    pytest.param(
        {"shapes": [{**SKELETON, "elements": [{**MASK, "label_id": 3}]}]},
        "shapes[0].elements[0].type",
        "cannot be a mask",
        id="mask as element",
    ),
    pytest.param(shape(score=1.5), "shapes[0].score", "between 0 and 1", id="score above one"),
    pytest.param(shape(attributes=attribute(5, "x" * 4097)), "shapes[0].attributes[0].value", "4096", id="long value"),
    pytest.param(
        shape(attributes=attribute(5, "a\0b")), "shapes[0].attributes[0].value", "Null characters", id="null character"
    ),
    pytest.param(
        shape(attributes=attribute(5, {})), "shapes[0].attributes[0].value", "Expected `str`", id="object as value"
    ),
    pytest.param(shape(z_order=2**40), "shapes[0].z_order", "less than or equal", id="large z-order"),
    pytest.param(shape(group=2**40), "shapes[0].group", "less than or equal", id="large group"),
    pytest.param(shape(id=2**70), "shapes[0].id", "valid", id="large id"),
    pytest.param(
        {"tracks": [{**TRACK, "shapes": [{**MASK}]}]},
        "tracks[0].shapes[0].type",
        "masks cannot be tracked",
        id="tracked mask",
    ),
    pytest.param(
        tracked(shapes=[KEY, {**KEY, "frame": 2, "type": "ellipse"}]),
        "tracks[0].shapes[1].type",
        "same type",
        id="track of two types",
    ),
    pytest.param(
        tracked(shapes=[KEY, {**KEY, "frame": 10}]),
        "tracks[0].shapes[1].frame",
        "frames 0 to 9",
        id="keyframe outside the job",
    ),
    pytest.param(
        tracked(frame=10, shapes=[{**KEY, "frame": 10, "outside": True}]),
        "tracks[0].frame",
        "frames 0 to 9",
        id="track outside the job",
    ),
    pytest.param(tracked(label_id=77), "tracks[0].label_id", "`77` is invalid", id="unknown label of a track"),
    pytest.param(
        tracked(shapes=[{**KEY, "points": [1, 2]}]), "tracks[0].shapes[0].points", "exactly 4", id="short keyframe"
    ),
    pytest.param(
        tracked(elements=[POINT_TRACK]), "tracks[0].elements", "has no elements", id="elements of a rectangle track"
    ),
    pytest.param(
        {"tracks": [{**SKELETON_TRACK, "elements": []}]},
        "tracks[0].elements",
        "at least one element",
        id="skeleton track without elements",
    ),
    pytest.param(
        {"tracks": [{**SKELETON_TRACK, "elements": [{**POINT_TRACK, "shapes": []}]}]},
        "tracks[0].elements[0].shapes",
        "at least one keyframe",
        id="element track without keyframes",
    ),
    pytest.param(
        {"tracks": [{**SKELETON_TRACK, "elements": [{**POINT_TRACK, "label_id": 1}]}]},
        "tracks[0].elements[0].label_id",
        "`1` is invalid",
        id="label as sublabel of a track",
    ),
    pytest.param(
        {"tags": [{"frame": 0, "label_id": 77}]}, "tags[0].label_id", "`77` is invalid", id="unknown label of a tag"
    ),
    pytest.param({"tags": [{"frame": 12, "label_id": 1}]}, "tags[0].frame", "frames 0 to 9", id="tag outside the job"),
    pytest.param(
        {"tags": [{"frame": 0, "label_id": 1, "attributes": attribute(7, "x")}]},
        "tags[0].attributes[0].spec_id",
        "`7` is invalid",
        id="attribute of another label on a tag",
    ),
    pytest.param({"intervals": [{"label_id": 1, "start": 0}]}, "intervals", "audio", id="audio intervals"),
    pytest.param({"shapes": [{**SHAPE, "occluded": "yes"}]}, "shapes[0].occluded", "valid boolean", id="text as boolean"),
    pytest.param({"shapes": {}}, "shapes", "Expected `array`", id="object for a list"),
]


@pytest.mark.parametrize(("document", "path", "words"), REFUSED)
def test_refused(document: Any, path: str, words: str) -> None:
    with pytest.raises(InvalidAnnotations) as caught:
        accept(document)
    assert caught.value.errors[0].path == path
    assert words in caught.value.errors[0].message


ACCEPTED = [
    pytest.param({}, id="nothing"),
    pytest.param({"intervals": []}, id="no intervals"),
    pytest.param({"version": 7, "surprise": [1]}, id="unknown fields"),
    pytest.param(shape(points=[30, 40, 1, 2]), id="reversed corners"),
    pytest.param(shape(points=[-500, -500, 5000, 5000]), id="far outside the image"),
    pytest.param(shape(attributes=attribute(6, "nonsense")), id="option that does not exist"),
    pytest.param(shape(label_id=2), id="type against the label's type"),
    pytest.param(shape(outside=True), id="outside"),
    pytest.param(shape(rotation=360), id="full turn"),
    pytest.param(shape(attributes=[*attribute(5, "x"), *attribute(6, "y")]), id="both slots on a shape"),
    pytest.param(shape(id=6160), id="known id"),
    pytest.param({"shapes": [MASK]}, id="mask"),
    pytest.param(shape(type="mask", points=[100, 0, 0, 9, 9]), id="mask of zeros"),
    pytest.param({"shapes": [SKELETON]}, id="skeleton with a missing element"),
    pytest.param({"tracks": [SKELETON_TRACK]}, id="skeleton track"),
    pytest.param(keyed(outside=True), id="track that is never visible"),
    pytest.param(tracked(shapes=[KEY, {**KEY, "frame": 10, "outside": True}]), id="track that ends after the last frame"),
    pytest.param(
        tracked(attributes=attribute(6, "x"), shapes=[{**KEY, "attributes": attribute(5, "y")}]), id="both slots on a track"
    ),
    pytest.param({"tags": [{"frame": 9, "label_id": 8}, {"frame": 9, "label_id": 8}]}, id="repeated tag"),
]


@pytest.mark.parametrize("document", ACCEPTED)
def test_accepted(document: Any) -> None:
    data = accept(document)
    kinds = ("tags", "shapes", "tracks")
    assert {kind: len(getattr(data, kind)) for kind in kinds} == {kind: len(document.get(kind, [])) for kind in kinds}


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (3, "3"), (2.5, "2.5"), (True, "true"), (False, "false"), (None, ""), ("", "")],
)
def test_attribute_values_are_kept_as_text(value: Any, text: str) -> None:
    data = accept({**shape(attributes=attribute(5, value)), **keyed(attributes=attribute(5, value))})
    assert values_of(data.shapes[0].attributes) == {5: text}
    assert values_of(data.tracks[0].shapes[0].attributes) == {5: text}


def test_values_of_elements_are_kept_as_text_too() -> None:
    document = {
        "shapes": [{**SKELETON, "elements": [{**POINT, "attributes": attribute(7, True)}]}],
        "tracks": [
            {
                **SKELETON_TRACK,
                "elements": [{**POINT_TRACK, "shapes": [{**POINT_KEY, "attributes": attribute(7, 1)}]}],
            }
        ],
    }
    data = accept(document)
    assert values_of(data.shapes[0].elements[0].attributes) == {7: "true"}
    assert values_of(data.tracks[0].elements[0].shapes[0].attributes) == {7: "1"}


def test_whole_floats_booleans_as_numbers_and_nulls_are_read() -> None:
    data = accept(shape(frame=3.0, label_id=1.0, z_order=2.0, group=None, occluded=1, elements=None, id=None))
    read = data.shapes[0]
    assert (read.frame, read.label_id, read.z_order, read.group, read.occluded, read.elements) == (3, 1, 2, 0, True, [])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"shapes": [NaN]}', b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidAnnotations) as caught:
        decode_labeled_data(body)
    assert caught.value.errors[0].path == ""


def test_an_infinite_coordinate_is_refused() -> None:
    with pytest.raises(InvalidAnnotations):
        decode_labeled_data(b'{"shapes": [{"type": "points", "frame": 0, "label_id": 1, "points": [1e999, 0]}]}')
    data = LabeledData(shapes=[rectangle(0, float("nan"))])
    with pytest.raises(InvalidAnnotations, match="finite"):
        validate_labeled_data(data, SCHEMA, start_frame=0, stop_frame=0)


@pytest.mark.parametrize("source", ["manual", "auto", "semi-auto", "file", "consensus"])
def test_known_sources_are_kept(source: str) -> None:
    assert accept(shape(source=source)).shapes[0].source == source


def test_other_sources_become_manual() -> None:
    data = accept({**shape(source="robot"), **tracked(source="robot")})
    assert (data.shapes[0].source, data.tracks[0].source) == ("manual", "manual")


def test_only_boxes_and_ellipses_stay_rotated() -> None:
    polygon = {**SHAPE, "type": "polygon", "points": [0, 0, 5, 0, 5, 5], "rotation": 30}
    data = accept({"shapes": [polygon, {**SHAPE, "rotation": 30}]})
    assert [read.rotation for read in data.shapes] == [0.0, 30.0]


def test_elements_are_on_the_frame_of_their_skeleton_and_keep_their_group() -> None:
    data = accept({"shapes": [{**SKELETON, "frame": 4, "group": 6}]})
    assert (data.shapes[0].elements[0].frame, data.shapes[0].elements[0].group) == (4, 0)


def test_keyframes_are_sorted_and_the_last_of_a_frame_is_kept() -> None:
    keys = [{**KEY, "frame": 3}, {**KEY, "frame": 0}, {**KEY, "frame": 3, "points": [7, 0, 8, 1]}]
    data = accept(tracked(shapes=keys))
    assert keys_of(data.tracks[0]) == [(0, 1.0), (3, 7.0)]


def test_a_track_without_its_first_keyframe_gets_an_outside_one() -> None:
    data = accept(tracked(shapes=[{**KEY, "frame": 1}]))
    assert keys_of(data.tracks[0]) == [(0, 1.0, "out"), (1, 1.0)]


def test_jobs_of_chosen_frames_take_no_others() -> None:
    accept(shape(frame=4), included_frames=frozenset({2, 4}))
    with pytest.raises(InvalidAnnotations) as caught:
        accept(shape(frame=3), included_frames=frozenset({2, 4}))
    assert caught.value.errors[0].path == "shapes[0].frame"


def test_all_faults_are_reported_in_order() -> None:
    document = {
        "tags": [{"frame": 77, "label_id": 99}],
        "shapes": [SHAPE, {**SHAPE, "points": [1], "rotation": 999, "frame": 50, "label_id": 0}],
        "tracks": [{**TRACK, "shapes": [KEY, {**KEY, "frame": 99, "points": []}]}],
    }
    with pytest.raises(InvalidAnnotations) as caught:
        accept(document)
    assert [error.path for error in caught.value.errors] == [
        "tags[0].label_id",
        "tags[0].frame",
        "shapes[1].points",
        "shapes[1].rotation",
        "shapes[1].frame",
        "shapes[1].label_id",
        "tracks[0].shapes[1].points",
        "tracks[0].shapes[1].frame",
    ]
    assert str(caught.value) == "tags[0].label_id: label_id `99` is invalid"


def test_the_number_of_reported_faults_is_bounded() -> None:
    with pytest.raises(InvalidAnnotations) as caught:
        accept({"shapes": [{**SHAPE, "label_id": 99}] * 500})
    assert len(caught.value.errors) == MAX_ERRORS


@pytest.mark.parametrize("key", ["a_images", "b_video", "d_3d"])
def test_recorded_documents_are_accepted_as_they_are(key: str) -> None:
    schema = golden_schema(read_golden(f"objects/{key}/labels.json"))
    jobs = read_golden(f"objects/{key}/jobs.json")
    for job, sent in zip(jobs, read_golden(f"objects/{key}/sent-annotations.json"), strict=True):
        data = decode_labeled_data(json.dumps(sent).encode())
        before = golden_document(sent)
        validate_labeled_data(data, schema, start_frame=job["start_frame"], stop_frame=job["stop_frame"])
        assert [keys_of(parsed) for parsed in data.tracks] == [keys_of(parsed) for parsed in before.tracks]
        assert data.shapes == before.shapes


def test_a_valid_track_is_brought_into_normal_form_in_place() -> None:
    data = LabeledData(tracks=[boxes_track((4, 4.0), frame=2)])
    assert validate_labeled_data(data, SCHEMA, start_frame=0, stop_frame=9) is data
    assert keys_of(data.tracks[0]) == [(2, 4.0, "out"), (4, 4.0)]
