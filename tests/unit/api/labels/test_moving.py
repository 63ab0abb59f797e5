import pytest

from limner_api.labels.moving import LabelMapping, map_labels
from limner_common.errors import Invalid
from limner_model.labels import AttributeSpec, AttributeType, LabelSpec


def attribute(id_: int, name: str, kind: AttributeType = AttributeType.TEXT, *, mutable: bool = True) -> AttributeSpec:
    return AttributeSpec(id=id_, name=name, mutable=mutable, input_type=kind)


def skeleton(id_: int, first: int, *names: str) -> LabelSpec:
    points = [LabelSpec(id=first + index, name=name, type="points") for index, name in enumerate(names)]
    return LabelSpec(id=id_, name="face", type="skeleton", sublabels=points)


def test_labels_are_mapped_by_name():
    source = [LabelSpec(id=1, name="car"), LabelSpec(id=2, name="dog")]
    target = [LabelSpec(id=10, name="dog"), LabelSpec(id=11, name="car"), LabelSpec(id=12, name="cat")]
    assert map_labels(source, target) == LabelMapping({1: 11, 2: 10}, {})


def test_attributes_that_differ_lose_their_values():
    source = [
        LabelSpec(
            id=1,
            name="car",
            attributes=[
                attribute(5, "note"),
                attribute(6, "doors"),
                attribute(7, "parked"),
                attribute(8, "gone"),
            ],
        )
    ]
    target = [
        LabelSpec(
            id=11,
            name="car",
            attributes=[
                attribute(50, "note"),
                attribute(60, "doors", AttributeType.NUMBER),
                attribute(70, "parked", mutable=False),
            ],
        )
    ]
    assert map_labels(source, target).attributes == {5: 50, 6: None, 7: None, 8: None}


def test_points_of_skeletons_are_mapped_by_name():
    mapping = map_labels([skeleton(1, 2, "eye", "nose")], [skeleton(10, 20, "nose", "eye")])
    assert mapping.labels == {1: 10, 2: 21, 3: 20}


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param([LabelSpec(id=1, name="car")], [], id="missing"),
        pytest.param([LabelSpec(id=1, name="face")], [skeleton(10, 20, "eye")], id="skeleton-for-other"),
        pytest.param([skeleton(1, 2, "eye")], [LabelSpec(id=10, name="face")], id="other-for-skeleton"),
        pytest.param([skeleton(1, 2, "eye")], [skeleton(10, 20, "eye", "nose")], id="other-points"),
    ],
)
def test_every_label_needs_a_counterpart(source, target):
    with pytest.raises(Invalid) as caught:
        map_labels(source, target)
    assert caught.value.fields == {
        "non_field_errors": ["All task or project label names must be mapped to the target project"]
    }


def test_a_task_without_labels_moves_anywhere():
    assert map_labels([], []) == LabelMapping()
