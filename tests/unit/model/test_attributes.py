from limner_model.annotations import LabeledData, Tag
from limner_model.attributes import AttributeDefaults, carry_values, fill_defaults
from tests.unit.model.builders import (
    SCHEMA,
    box,
    element,
    element_track,
    golden_document,
    keyframe,
    point,
    rectangle,
    skeleton,
    skeleton_key,
    skeleton_track,
    track,
    values,
    values_of,
)


def test_absent_values_of_shapes_and_tags_are_the_defaults() -> None:
    data = LabeledData(
        tags=[Tag(frame=0, label_id=1)],
        shapes=[rectangle(0, 0, attributes=values({6: "acme"})), skeleton(0, [element(3, 1, 2)])],
    )
    fill_defaults(data, SCHEMA)
    assert values_of(data.tags[0].attributes) == {5: "grey", 6: ""}
    assert values_of(data.shapes[0].attributes) == {5: "grey", 6: "acme"}
    assert values_of(data.shapes[1].elements[0].attributes) == {7: ""}


def test_keyframes_take_the_values_of_the_keyframe_before() -> None:
    parsed = track(keyframe(0, box(0)), keyframe(1, box(1), attributes={5: "red"}), keyframe(2, box(2)))
    fill_defaults(LabeledData(tracks=[parsed]), SCHEMA)
    assert [values_of(shape.attributes) for shape in parsed.shapes] == [{5: "grey"}, {5: "red"}, {5: "red"}]
    assert values_of(parsed.attributes) == {6: ""}


def test_elements_of_skeleton_tracks_are_filled_by_their_sublabel() -> None:
    parsed = skeleton_track(skeleton_key(0), elements=[element_track(3, point(0, 1, attributes={7: "true"}), point(2, 1))])
    fill_defaults(LabeledData(tracks=[parsed]), SCHEMA)
    assert [values_of(shape.attributes) for shape in parsed.elements[0].shapes] == [{7: "true"}, {7: "true"}]


def test_values_come_in_the_order_of_the_label_and_only_its_own() -> None:
    filled = AttributeDefaults(SCHEMA).fill(1, values({99: "gone", 6: "acme", 5: "red"}))
    assert [(value.spec_id, value.value) for value in filled] == [(5, "red"), (6, "acme")]


def test_the_last_of_repeated_values_counts() -> None:
    assert values_of(AttributeDefaults(SCHEMA).fill(1, [*values({5: "a"}), *values({5: "b"})])) == {5: "b", 6: ""}


def test_unknown_labels_keep_what_they_have() -> None:
    given = values({99: "kept"})
    assert AttributeDefaults(SCHEMA).fill(1234, given) == given
    assert AttributeDefaults(None).fill(1, given) == given


def test_carrying_prefers_the_own_value() -> None:
    assert values_of(carry_values(values({5: "a", 7: "b"}), values({5: "c"}))) == {5: "c", 7: "b"}


def test_the_example_of_the_specification_is_read_back_with_the_value_of_the_keyframe_before() -> None:
    document = {
        "tracks": [
            {
                "frame": 100,
                "label_id": 1,
                "attributes": [{"spec_id": 6, "value": "acme"}],
                "shapes": [
                    {
                        "type": "rectangle",
                        "frame": 100,
                        "points": [0, 0, 10, 10],
                        "attributes": [{"spec_id": 5, "value": "red"}],
                    },
                    {"type": "rectangle", "frame": 104, "points": [4, 4, 14, 14], "outside": True, "attributes": []},
                ],
            }
        ]
    }
    data = fill_defaults(golden_document(document), SCHEMA)
    assert values_of(data.tracks[0].shapes[1].attributes) == {5: "red"}
