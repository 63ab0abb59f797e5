"""Labels in request bodies."""

import pytest
from pydantic import ValidationError

from limner_api.labels.inputs import AttributeInput, LabelInput
from limner_api.labels.schemas import LabelBody, read_labels


def test_null_is_the_same_as_absent() -> None:
    sent = dict.fromkeys(("id", "name", "color", "type", "attributes", "sublabels", "svg", "deleted"))
    assert LabelBody.model_validate(sent).read() == LabelInput() == LabelBody().read()


def test_a_label_is_read_with_its_points_and_attributes() -> None:
    sent = {
        "name": " hand ",
        "type": "skeleton",
        "unknown": 1,
        "sublabels": [{"name": "wrist", "has_parent": True}],
        "attributes": [{"name": "age", "values": [0, "20", 1.5], "default_value": 3, "mutable": "True"}],
    }
    attribute = AttributeInput(name="age", values=("0", "20", "1.5"), default_value="3", mutable=True)
    points = (LabelInput(name="wrist"),)
    wanted = LabelInput(name="hand", type="skeleton", sublabels=points, attributes=(attribute,))
    assert read_labels([LabelBody.model_validate(sent)]) == (wanted,)
    assert read_labels(None) == ()


@pytest.mark.parametrize("sent", [{"name": "a\x00"}, {"attributes": 5}, {"sublabels": [5]}, {"svg": "\x00"}, {"id": "x"}])
def test_wrong_shapes_are_refused(sent: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LabelBody.model_validate(sent)
