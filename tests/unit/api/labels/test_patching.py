import pytest

from limner_api.labels.inputs import AttributeInput, LabelInput
from limner_api.labels.patching import LabelPatch, check_top_level, plan_label_patch, plan_single_patch
from limner_api.labels.skeletons import generate_template, with_label_ids
from limner_common.errors import Invalid, NotFound
from limner_model.labels import AttributeSpec, AttributeType, LabelSpec

TEMPLATE = generate_template(["eye", "nose"])
LABELS = [
    LabelSpec(
        id=1,
        name="car",
        color="#c06060",
        attributes=[AttributeSpec(id=5, name="parked", mutable=True, input_type=AttributeType.CHECKBOX)],
    ),
    LabelSpec(id=2, name="person", color="red", type="rectangle"),
    LabelSpec(
        id=3,
        name="face",
        color="#0000ff",
        type="skeleton",
        svg=with_label_ids(TEMPLATE, {"eye": 4, "nose": 6}),
        sublabels=[
            LabelSpec(id=4, name="eye", color="#111111", type="points", parent_id=3),
            LabelSpec(id=6, name="nose", color="#222222", type="points", parent_id=3),
        ],
    ),
]


def plan(*inputs: LabelInput) -> LabelPatch:
    return plan_label_patch(LABELS, inputs)


def change(**fields):
    (made,) = plan(LabelInput(**fields)).update
    return made


def test_nothing_asked_changes_nothing():
    assert plan() == LabelPatch()


def test_a_change_is_completed_from_what_there_is():
    made = change(id=1, name="van")
    assert (made.id, made.name, made.color, made.type, made.svg) == (1, "van", "#c06060", "any", None)
    assert made.attributes.update == () and made.attributes.delete == ()


def test_colour_and_type_change():
    made = change(id=2, color="#010203", type="polygon")
    assert (made.color, made.type) == ("#010203", "polygon")


def test_an_empty_colour_keeps_the_old_one():
    assert change(id=1, color="").color == "#c06060"


def test_attributes_change_and_come():
    new = AttributeInput(name="new", mutable=False, input_type="checkbox", values=("false",), default_value="false")
    made = change(id=1, attributes=(AttributeInput(id=5, name="stopped"), new))
    assert [(id_, attribute.name) for id_, attribute in made.attributes.update] == [(5, "stopped")]
    assert [attribute.name for attribute in made.attributes.create] == ["new"]


def test_labels_come_and_go_together():
    patch = plan(LabelInput(name="z"), LabelInput(id=2, deleted=True), LabelInput(id=1, name="van"))
    assert [label.name for label in patch.create] == ["z"]
    assert patch.delete == (2,)
    assert [label.name for label in patch.update] == ["van"]


def test_a_removed_name_is_free_again():
    assert plan(LabelInput(name="person"), LabelInput(id=2, deleted=True)).create[0].name == "person"


def test_two_labels_may_swap_names():
    patch = plan(LabelInput(id=1, name="person"), LabelInput(id=2, name="car"))
    assert [label.name for label in patch.update] == ["person", "car"]


def test_new_labels_get_colours_beside_those_there_are():
    (made,) = plan(LabelInput(name="z")).create
    assert made.color not in {label.color for label in LABELS}


@pytest.mark.parametrize("inputs", [[LabelInput(name="car")], [LabelInput(id=1, name="person")]], ids=["new", "renamed"])
def test_a_name_of_another_label_is_refused(inputs):
    with pytest.raises(Invalid, match=r"^All label names must be unique$"):
        plan(*inputs)


@pytest.mark.parametrize("input_", [LabelInput(id=99, name="stolen"), LabelInput(id=99, deleted=True)])
def test_a_label_of_something_else_is_not_found(input_):
    with pytest.raises(NotFound, match=r"^Not found label with id #99 to change$"):
        plan(input_)


def test_a_sublabel_is_not_found_on_the_top_level():
    with pytest.raises(NotFound):
        plan(LabelInput(id=4, name="ear"))


def test_a_label_changes_once():
    with pytest.raises(Invalid, match="only once"):
        plan(LabelInput(id=1, name="a"), LabelInput(id=1, deleted=True))


def test_nothing_new_is_deleted():
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(name="a", deleted=True))
    assert caught.value.fields == {"labels": [{"deleted": ["A new label cannot be deleted."]}]}


@pytest.mark.parametrize(("id_", "type_"), [(1, "skeleton"), (3, "any"), (3, "polygon")])
def test_a_label_neither_becomes_a_skeleton_nor_stops_being_one(id_, type_):
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(id=id_, type=type_))
    assert "from or to skeleton" in str(caught.value.fields)


def test_a_skeleton_may_be_sent_with_its_own_type():
    assert change(id=3, type="skeleton", name="head").name == "head"


def test_sublabels_change_through_their_skeleton():
    made = change(id=3, sublabels=(LabelInput(id=4, name="ear", color="#333333", type="points"),))
    (sub,) = made.sublabels
    assert (sub.id, sub.name, sub.color, sub.type) == (4, "ear", "#333333", "points")
    assert made.svg is None


@pytest.mark.parametrize("sublabel", [LabelInput(name="ear"), LabelInput(id=4, deleted=True)], ids=["added", "removed"])
def test_points_of_a_skeleton_neither_come_nor_go(sublabel):
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(id=3, sublabels=(sublabel,)))
    assert "neither added nor removed" in str(caught.value.fields)


def test_sublabel_names_stay_unique():
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(id=3, sublabels=(LabelInput(id=4, name="nose"),)))
    assert caught.value.fields == {"labels": [{"non_field_errors": ["All label names must be unique"]}]}


def test_a_sublabel_of_another_skeleton_is_not_found():
    with pytest.raises(NotFound):
        plan(LabelInput(id=3, sublabels=(LabelInput(id=1, name="x"),)))


def test_sublabels_stay_points():
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(id=3, sublabels=(LabelInput(id=4, type="mask"),)))
    assert "are points" in str(caught.value.fields)


def test_other_labels_take_no_sublabels():
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(id=1, sublabels=(LabelInput(id=4),)))
    assert "Only skeletons" in str(caught.value.fields)


def test_a_new_template_is_stored_with_ids():
    moved = TEMPLATE.replace("85.00", "80.00")
    renamed = moved.replace('"eye"', '"ear"')
    made = change(id=3, svg=renamed, sublabels=(LabelInput(id=4, name="ear"),))
    assert made.svg == with_label_ids(moved, {"eye": 4, "nose": 6})


def test_a_template_with_stored_ids_is_taken():
    assert change(id=3, svg=LABELS[2].svg).svg == LABELS[2].svg


def test_a_template_without_one_of_the_points_is_refused():
    with pytest.raises(Invalid) as caught:
        plan(LabelInput(id=3, svg=TEMPLATE.replace('"eye"', '"brow"')))
    assert "exactly one node" in str(caught.value.fields)


def test_one_label_is_changed_by_its_own_address():
    patch = plan_single_patch(LABELS, 1, LabelInput(name="van"))
    assert [(label.id, label.name) for label in patch.update] == [(1, "van")]
    assert plan_single_patch(LABELS, 1, LabelInput(deleted=True)).delete == (1,)


def test_errors_of_one_label_are_its_own():
    with pytest.raises(Invalid) as caught:
        plan_single_patch(LABELS, 1, LabelInput(color="red"))
    assert caught.value.fields == {"color": ["A colour has the form #rrggbb."]}
    with pytest.raises(Invalid, match=r"^All label names must be unique$") as caught:
        plan_single_patch(LABELS, 1, LabelInput(name="person"))
    assert caught.value.fields is None


@pytest.mark.parametrize("done", ["modified", "deleted"])
def test_sublabels_have_no_address_of_their_own(done):
    with pytest.raises(Invalid, match=f"^Sublabels cannot be {done} this way"):
        check_top_level(LABELS, 4, done)


def test_an_unknown_label_is_not_found():
    with pytest.raises(NotFound, match=r"^Not found\.$"):
        plan_single_patch(LABELS, 99, LabelInput(name="x"))
