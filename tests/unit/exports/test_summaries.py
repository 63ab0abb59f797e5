"""What must be created before a dataset is imported into a project."""

import pytest

from limner_exports.formats import FormatError, plan_labels
from limner_exports.formats.items import ImportItem, ImportShape, ImportTag, ImportTrack
from limner_exports.formats.summaries import summarise_labels
from limner_model.annotations import ShapeType
from limner_model.labels import AttributeType, LabelSchema
from tests.unit.exports.builders import SCHEMA


def shape(label: str, **attributes: str | bool | float) -> ImportShape:
    return ImportShape(type=ShapeType.RECTANGLE, label=label, attributes=dict(attributes))


EMPTY = LabelSchema(version=1)


def test_an_empty_project_gets_all_labels_with_attributes_by_kind() -> None:
    body = shape("body")
    body.elements = [shape("head", sharp="true")]
    items = [
        ImportItem(name="a", tags=[ImportTag(label="day")], shapes=[shape("car", age=3.0, tame=True, note="x"), body]),
        ImportItem(name="b", shapes=[shape("car", age=4.0, tame=True, occluded=True)]),
    ]
    plans = {plan.name: plan for plan in plan_labels(summarise_labels(items), EMPTY)}
    assert {name: plan.type for name, plan in plans.items()} == {"day": "any", "car": "any", "body": "skeleton"}
    kinds = {new.name: (new.input_type, new.mutable) for new in plans["car"].attributes}
    assert kinds == {
        "age": (AttributeType.NUMBER, False),
        "tame": (AttributeType.CHECKBOX, False),
        "note": (AttributeType.TEXT, False),
    }
    assert [(part.name, part.type, part.attributes[0].name) for part in plans["body"].sublabels] == [
        ("head", "points", "sharp")
    ]


def test_attributes_met_on_tracks_are_mutable() -> None:
    tracked = shape("car", speed=3)
    tracked.track_id = "7"
    for item in (ImportTrack(label="car", shapes=[shape("car", speed=3)]), ImportItem(name="a", shapes=[tracked])):
        plans = plan_labels(summarise_labels([item]), EMPTY)
        assert [new.mutable for new in plans[0].attributes] == [True]


def test_a_project_with_labels_gets_attributes_only() -> None:
    items = [ImportItem(name="a", shapes=[shape("sky", cloudy="yes"), shape("background")])]
    plans = plan_labels(summarise_labels(items), SCHEMA)
    assert [(plan.name, plan.is_new, plan.attributes[0].name) for plan in plans] == [("sky", False, "cloudy")]


def test_an_unknown_label_is_an_error_in_a_project_with_labels() -> None:
    with pytest.raises(FormatError, match="label 'sea' does not exist in the project"):
        plan_labels(summarise_labels([ImportTrack(label="sea")]), SCHEMA)
