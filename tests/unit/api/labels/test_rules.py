import pytest

from limner_api.labels.inputs import AttributeInput, LabelInput
from limner_api.labels.rules import LabelType, check_new_labels
from limner_common.errors import Invalid


def one(**fields):
    return check_new_labels([LabelInput(**{"name": "x", **fields})])[0]


def problem(**fields):
    with pytest.raises(Invalid) as caught:
        one(**fields)
    assert caught.value.fields is not None
    return caught.value.fields["labels"][0]


def points(*names: str) -> tuple[LabelInput, ...]:
    return tuple(LabelInput(name=name) for name in names)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, LabelType.ANY),
        ("any", LabelType.ANY),
        ("bbox", LabelType.RECTANGLE),
        ("cuboid_3d", LabelType.CUBOID),
        ("interval", LabelType.INTERVAL),
        ("tag", LabelType.TAG),
    ],
)
def test_types_have_names_and_older_spellings(given, expected):
    assert one(type=given).type is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"type": "circle"}, {"type": ['"circle" is not a valid choice.']}, id="type"),
        pytest.param({"color": "red"}, {"color": ["A colour has the form #rrggbb."]}, id="colour-name"),
        pytest.param({"color": "#fff"}, {"color": ["A colour has the form #rrggbb."]}, id="short-colour"),
        pytest.param({"color": "ff0000"}, {"color": ["A colour has the form #rrggbb."]}, id="colour-without-sign"),
        pytest.param({"name": ""}, {"name": ["This field may not be blank."]}, id="blank"),
        pytest.param({"name": None}, {"name": ["This field is required."]}, id="no-name"),
        pytest.param({"name": "n" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}, id="long"),
        pytest.param({"deleted": True}, {"deleted": ["A new label cannot be deleted."]}, id="deleted"),
        pytest.param({"sublabels": points("a")}, {"sublabels": ["Only skeletons have sublabels."]}, id="no-skeleton"),
        pytest.param(
            {"type": "skeleton", "sublabels": (), "svg": ""},
            {"sublabels": ["A skeleton needs at least one sublabel."]},
            id="skeleton-without-sublabels",
        ),
        pytest.param(
            {"type": "skeleton", "sublabels": (LabelInput(name="a", type="polygon"),)},
            {"sublabels": [{"type": ["Sublabels of a skeleton are points."]}]},
            id="sublabel-type",
        ),
        pytest.param(
            {"type": "skeleton", "sublabels": (LabelInput(name="a", sublabels=points("b")),)},
            {"sublabels": [{"sublabels": ["Only skeletons have sublabels."]}]},
            id="skeleton-in-skeleton",
        ),
        pytest.param(
            {"type": "skeleton", "sublabels": points("a", "a")},
            {"non_field_errors": ["All label names must be unique"]},
            id="same-sublabels",
        ),
        pytest.param(
            {"attributes": (AttributeInput(name="q", mutable=True, input_type="slider", values=()),)},
            {"attributes": [{"input_type": ['"slider" is not a valid choice.']}]},
            id="attribute",
        ),
    ],
)
def test_what_breaks_the_rules_is_refused_where_it_stands(fields, expected):
    assert problem(**fields) == expected


def test_errors_stand_where_the_label_stands():
    with pytest.raises(Invalid) as caught:
        check_new_labels([LabelInput(name="a"), LabelInput(name="")])
    assert caught.value.fields == {"labels": [{}, {"name": ["This field may not be blank."]}]}


def test_a_name_comes_once():
    with pytest.raises(Invalid) as caught:
        check_new_labels([LabelInput(name="x"), LabelInput(name=" x ")])
    assert (caught.value.message, caught.value.fields) == ("All label names must be unique", None)


def test_sublabels_of_different_skeletons_may_have_the_same_name():
    made = check_new_labels(
        [
            LabelInput(name="left", type="skeleton", sublabels=points("a", "b")),
            LabelInput(name="right", type="skeleton", sublabels=points("a", "b")),
        ]
    )
    assert [[sub.name for sub in label.sublabels] for label in made] == [["a", "b"], ["a", "b"]]


def test_ids_of_new_labels_are_of_no_meaning():
    assert one(id=7).name == "x"


def test_a_given_colour_is_kept_as_it_is():
    assert one(color="#D02020").color == "#D02020"


def test_missing_colours_are_chosen_apart_from_those_in_use():
    first = one().color
    made = check_new_labels([LabelInput(name="x"), LabelInput(name="y", color=first)], taken_colors=["red", "#123456"])
    colors = [label.color for label in made]
    assert all(len(color) == 7 and color.startswith("#") for color in colors)
    assert colors[1] == first and colors[0] != first


def test_points_of_a_skeleton_get_colours_too():
    label = one(type="skeleton", sublabels=points("a", "b"))
    assert len({sub.color for sub in label.sublabels}) == 2
    assert {sub.type for sub in label.sublabels} == {LabelType.POINTS}


def test_a_skeleton_without_a_template_gets_one():
    label = one(type="skeleton", sublabels=points("a", "b"))
    assert 'data-label-name="a"' in label.svg and 'data-label-name="b"' in label.svg


def test_other_labels_have_no_template():
    assert one(svg='<circle data-type="element node"></circle>').svg == ""


def test_no_labels_are_fine():
    assert check_new_labels([]) == ()
