import pytest

from limner_api.labels.attributes import AttributePatch, CheckedAttribute, check_new_attributes, plan_attribute_patch
from limner_api.labels.inputs import AttributeInput
from limner_common.errors import Invalid, NotFound
from limner_model.labels import AttributeSpec, AttributeType


def given(input_type: str | None = "text", values: tuple[str, ...] | None = (), **fields) -> AttributeInput:
    return AttributeInput(**{"name": "a", "mutable": True, "input_type": input_type, "values": values, **fields})


def check(attribute: AttributeInput) -> CheckedAttribute:
    return check_new_attributes([attribute])[0]


def problem(attribute: AttributeInput) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as caught:
        check(attribute)
    assert caught.value.fields is not None
    return caught.value.fields["attributes"][0]


DEFAULTS = [
    pytest.param("select", ("a", "b"), None, "a", id="select-first-option"),
    pytest.param("select", ("a", "b"), "b", "b", id="select-given"),
    pytest.param("select", ("a", "b"), "", "a", id="select-empty-is-first"),
    pytest.param("select", ("a", ""), "", "", id="select-empty-option"),
    pytest.param("select", ("__undefined__", "alpha"), "alpha", "alpha", id="select-undefined-option"),
    pytest.param("radio", ("front",), None, "front", id="radio-first-option"),
    pytest.param("checkbox", (), None, "false", id="checkbox-nothing"),
    pytest.param("checkbox", ("true",), None, "true", id="checkbox-listed"),
    pytest.param("checkbox", ("false",), "True", "true", id="checkbox-given"),
    pytest.param("number", ("0", "10", "1"), None, "0", id="number-minimum"),
    pytest.param("number", ("0", "10", "0.5"), "10", "10", id="number-maximum"),
    pytest.param("number", ("-5", "5", "1"), "", "-5", id="number-empty-is-minimum"),
    pytest.param("text", (), None, "", id="text-nothing"),
    pytest.param("text", ("hello",), None, "hello", id="text-listed"),
    pytest.param("text", ("hello",), "", "", id="text-empty"),
]


@pytest.mark.parametrize(("input_type", "values", "default", "expected"), DEFAULTS)
def test_a_default_is_found_for_every_kind(input_type, values, default, expected):
    made = check(given(input_type, values, default_value=default))
    assert made == CheckedAttribute("a", True, AttributeType(input_type), expected, values)


REFUSED = [
    pytest.param(given("slider"), {"input_type": ['"slider" is not a valid choice.']}, id="unknown-input-type"),
    pytest.param(given(None), {"input_type": ["This field is required."]}, id="no-input-type"),
    pytest.param(given(mutable=None), {"mutable": ["This field is required."]}, id="no-mutable"),
    pytest.param(given(name=None), {"name": ["This field is required."]}, id="no-name"),
    pytest.param(given(name=" "), {"name": ["This field may not be blank."]}, id="blank-name"),
    pytest.param(given(name="n" * 65), {"name": ["Ensure this field has no more than 64 characters."]}, id="long-name"),
    pytest.param(given("number", ("0", "10")), "exactly three values", id="number-two-values"),
    pytest.param(given("number", ("0", "1", "2", "3")), "exactly three values", id="number-four-values"),
    pytest.param(given("number", ("0", "ten", "1")), "must be numbers", id="number-text"),
    pytest.param(given("number", ("0", "inf", "1")), "must be numbers", id="number-infinite"),
    pytest.param(given("number", ("9", "1", "1")), "greater than the maximum", id="number-reversed"),
    pytest.param(given("number", ("0", "9", "0")), "greater than zero", id="number-step-zero"),
    pytest.param(given("number", ("0", "10", "1"), default_value="99"), "between minimum", id="number-default-outside"),
    pytest.param(given("number", ("0", "10", "1"), default_value="x"), "between minimum", id="number-default-text"),
    pytest.param(given("select", ()), "At least one option", id="select-no-options"),
    pytest.param(given("radio", ("a", "a")), "must be unique", id="radio-same-options"),
    pytest.param(given("select", ("a",), default_value="b"), "one of the options", id="select-default-unknown"),
    pytest.param(given("checkbox", ("yes",)), "may only list", id="checkbox-other-value"),
    pytest.param(given("checkbox", (), default_value="yes"), "default of a checkbox", id="checkbox-default"),
    pytest.param(given("text", ("v" * 201,)), "no more than 200", id="long-value"),
    pytest.param(given("text", ("v" * 199,) * 30), "4096 characters together", id="long-values"),
    pytest.param(given("text", ("a\nb",)), "line breaks", id="line-break"),
    pytest.param(given("text", (), default_value="d" * 129), "no more than 128", id="long-default"),
    pytest.param(given(name="a\x00"), {"name": ["Null characters are not allowed."]}, id="nul-in-name"),
    pytest.param(given("text", ("\x00",)), "Null characters", id="nul-in-values"),
    pytest.param(given("text", (), default_value="\udcff"), "Null characters", id="surrogate-in-default"),
    pytest.param(given(deleted=True), "cannot be deleted", id="new-deleted"),
]


@pytest.mark.parametrize(("attribute", "expected"), REFUSED)
def test_contradictions_are_refused(attribute, expected):
    found = problem(attribute)
    if isinstance(expected, str):
        assert expected in next(iter(found.values()))[0]
    else:
        assert found == expected


def test_errors_stand_where_the_attribute_stands():
    with pytest.raises(Invalid) as caught:
        check_new_attributes([given(name="fine"), given("slider"), given(name="")])
    assert caught.value.fields == {
        "attributes": [
            {},
            {"input_type": ['"slider" is not a valid choice.']},
            {"name": ["This field may not be blank."]},
        ]
    }


def test_names_are_unique_in_a_label():
    with pytest.raises(Invalid) as caught:
        check_new_attributes([given(name="a"), given(name=" a ")])
    assert caught.value.fields == {"attributes": ["All attribute names must be unique"]}


EXISTING = [
    AttributeSpec(id=1, name="make", mutable=False, input_type=AttributeType.SELECT, default_value="b", values=["a", "b"]),
    AttributeSpec(id=2, name="note", mutable=True, input_type=AttributeType.TEXT),
]


def test_attributes_not_mentioned_stay():
    assert plan_attribute_patch(EXISTING, []) == AttributePatch()


def test_a_change_is_completed_from_what_there_is():
    patch = plan_attribute_patch(EXISTING, [AttributeInput(id=1, name="brand")])
    expected = CheckedAttribute("brand", False, AttributeType.SELECT, "b", ("a", "b"))
    assert patch == AttributePatch(update=((1, expected),))


@pytest.mark.parametrize(
    ("values", "expected"), [(("b", "c"), "b"), (("c", "d"), "c")], ids=["still-an-option", "no-option-any-more"]
)
def test_a_default_stays_while_it_is_valid(values, expected):
    patch = plan_attribute_patch(EXISTING, [AttributeInput(id=1, values=values)])
    assert patch.update[0][1].default_value == expected


def test_attributes_are_added_and_removed():
    patch = plan_attribute_patch(EXISTING, [given(name="new"), AttributeInput(id=2, deleted=True)])
    assert [attribute.name for attribute in patch.create] == ["new"]
    assert patch.delete == (2,)


def test_a_removed_name_is_free_again():
    patch = plan_attribute_patch(EXISTING, [given(name="note"), AttributeInput(id=2, deleted=True)])
    assert [attribute.name for attribute in patch.create] == ["note"]


def test_two_attributes_may_swap_names():
    patch = plan_attribute_patch(EXISTING, [AttributeInput(id=1, name="note"), AttributeInput(id=2, name="make")])
    assert [(id_, attribute.name) for id_, attribute in patch.update] == [(1, "note"), (2, "make")]


def test_a_name_of_another_attribute_is_refused():
    with pytest.raises(Invalid) as caught:
        plan_attribute_patch(EXISTING, [AttributeInput(id=1, name="note")])
    assert caught.value.fields == {"attributes": ["All attribute names must be unique"]}


def test_an_attribute_of_another_label_is_not_found():
    with pytest.raises(NotFound, match="Not found attribute with id #9 to change"):
        plan_attribute_patch(EXISTING, [AttributeInput(id=9, name="x")])


def test_an_attribute_changes_once():
    with pytest.raises(Invalid):
        plan_attribute_patch(EXISTING, [AttributeInput(id=1, name="x"), AttributeInput(id=1, name="y")])


def test_nothing_new_is_deleted():
    with pytest.raises(Invalid) as caught:
        plan_attribute_patch(EXISTING, [AttributeInput(deleted=True)])
    assert caught.value.fields == {"attributes": [{"deleted": ["A new attribute cannot be deleted."]}]}
