"""Labels that a dataset needs, as orders to the catalog."""

from limner_exports.formats import LabelPlan, NewAttribute
from limner_exports.importing.label_orders import label_orders
from limner_model.labels import AttributeType, LabelSpec


def test_new_labels_come_by_name_and_known_ones_by_id() -> None:
    speed = NewAttribute("speed", AttributeType.NUMBER, True, "0", ("0", "9", "1"))
    plans = [
        LabelPlan("car", is_new=False, attributes=(speed,)),
        LabelPlan("body", is_new=True, type="skeleton", sublabels=(LabelPlan("head", is_new=True, type="points"),)),
    ]
    known, new = label_orders(plans, [LabelSpec(id=5, name="car")])
    assert (known.id, known.name) == (5, None)
    assert [(one.name, one.input_type, one.mutable, one.values) for one in known.attributes] == [
        ("speed", "number", True, ["0", "9", "1"])
    ]
    assert (new.id, new.name, new.type) == (None, "body", "skeleton")
    assert [part.name for part in new.sublabels] == ["head"]
