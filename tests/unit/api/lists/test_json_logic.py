import json

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from limner_api.lists import json_logic
from limner_api.lists.fields import Field
from limner_api.lists.json_logic import compile_filter
from limner_api.lists.resources import DATE, FLAG, JOB_TYPE, NUMBER, TEXT
from limner_common.errors import Invalid

rows = sa.table("t", *map(sa.column, ("id", "name", "owner", "type", "resolved", "updated")))
FIELDS = {
    "id": Field(rows.c.id, NUMBER),
    "name": Field(rows.c.name, TEXT),
    "owner": Field(rows.c.owner, TEXT),
    "type": Field(rows.c.type, JOB_TYPE),
    "resolved": Field(rows.c.resolved, FLAG),
    "updated_date": Field(rows.c.updated, DATE),
}


def render(condition: sa.ColumnElement[bool]) -> str:
    compiled = condition.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    return " ".join(str(compiled).replace("%%", "%").split())


def sql(rule: object) -> str:
    return render(compile_filter(json.dumps(rule), FIELDS))


def var(name: str) -> dict[str, str]:
    return {"var": name}


ID, NAME, OWNER, DAY = var("id"), var("name"), var("owner"), var("updated_date")

COMPILED = [
    pytest.param({"==": [NAME, "b_video"]}, "t.name = 'b_video'", id="equal"),
    pytest.param({"==": ["b_video", NAME]}, "t.name = 'b_video'", id="equal-value-first"),
    pytest.param({"==": [ID, 5]}, "t.id = 5", id="number"),
    pytest.param({"==": [ID, "5"]}, "t.id = 5", id="number-as-text"),
    pytest.param({"==": [ID, 5.0]}, "t.id = 5", id="whole-float"),
    pytest.param({"==": [NAME, 2024]}, "t.name = '2024'", id="text-as-number"),
    pytest.param({"==": [var("resolved"), True]}, "t.resolved = true", id="boolean"),
    pytest.param({"==": [var("resolved"), "False"]}, "t.resolved = false", id="boolean-as-text"),
    pytest.param({"==": [var("type"), "consensus_replica"]}, "t.type = 'replica'", id="old-spelling"),
    pytest.param({"==": [OWNER, None]}, "t.owner IS NULL", id="null"),
    pytest.param({"<": [ID, 5]}, "t.id < 5", id="less"),
    pytest.param({">=": [ID, 5]}, "t.id >= 5", id="at-least"),
    pytest.param({"<=": [3, ID]}, "t.id >= 3", id="value-first-at-most"),
    pytest.param({">": [3, ID]}, "t.id < 3", id="value-first-greater"),
    pytest.param({"<=": [2, ID, 4]}, "t.id >= 2 AND t.id <= 4", id="between"),
    pytest.param({"<": [2, ID, 4]}, "t.id > 2 AND t.id < 4", id="strictly-between"),
    pytest.param({"in": [ID, [1, 2]]}, "t.id IN (1, 2)", id="member"),
    pytest.param({"in": [OWNER, ["ann", None]]}, "t.owner IN ('ann') OR t.owner IS NULL", id="member-or-null"),
    pytest.param({"in": ["video", NAME]}, r"t.name LIKE '%video%' ESCAPE '\\'", id="contains"),
    pytest.param({"in": ["5%_\\", NAME]}, r"t.name LIKE '%5\\%\\_\\\\%' ESCAPE '\\'", id="contains-escaped"),
    pytest.param(OWNER, "t.owner IS NOT NULL", id="is-set"),
    pytest.param({"!": OWNER}, "NOT coalesce(t.owner IS NOT NULL, false)", id="is-not-set"),
    pytest.param({"!!": OWNER}, "t.owner IS NOT NULL", id="yes"),
    pytest.param({"!!": [OWNER]}, "t.owner IS NOT NULL", id="yes-in-a-list"),
    pytest.param({"!": {"==": [NAME, "a"]}}, "NOT coalesce(t.name = 'a', false)", id="not-object"),
    pytest.param({"!": [{"==": [NAME, "a"]}]}, "NOT coalesce(t.name = 'a', false)", id="not-list"),
    pytest.param(
        {"and": [{">": [ID, 2]}, {"<": [ID, 5]}, {"!": {"==": [NAME, "a"]}}]},
        "t.id > 2 AND t.id < 5 AND NOT coalesce(t.name = 'a', false)",
        id="and",
    ),
    pytest.param({"or": [{"==": [ID, 1]}, {"==": [ID, 2]}]}, "t.id = 1 OR t.id = 2", id="or"),
    pytest.param({"and": [{"==": [ID, 1]}]}, "t.id = 1", id="and-of-one"),
    pytest.param(
        {"and": [{"or": [{"==": [ID, 1]}, {"==": [ID, 2]}]}, {"==": [NAME, "a"]}]},
        "(t.id = 1 OR t.id = 2) AND t.name = 'a'",
        id="nested",
    ),
    pytest.param({">=": [DAY, "2026"]}, "t.updated >= '2026-01-01 00:00:00+00:00'", id="year"),
    pytest.param({">=": [DAY, 2026]}, "t.updated >= '2026-01-01 00:00:00+00:00'", id="year-as-number"),
    pytest.param({">=": [DAY, "2026-3"]}, "t.updated >= '2026-03-01 00:00:00+00:00'", id="month"),
    pytest.param({"<=": [DAY, "2026-03-09"]}, "t.updated <= '2026-03-09 00:00:00+00:00'", id="day"),
    pytest.param({"<=": [DAY, "2026-03-09 10:30"]}, "t.updated <= '2026-03-09 10:30:00+00:00'", id="minute"),
    pytest.param(
        {"<=": ["2000-01-01T00:00:00.000Z", DAY]}, "t.updated >= '2000-01-01 00:00:00+00:00'", id="date-value-first"
    ),
    pytest.param({"==": [DAY, "2026-01-01T02:00:00+02:00"]}, "t.updated = '2026-01-01 00:00:00+00:00'", id="offset"),
]


@pytest.mark.parametrize(("rule", "expected"), COMPILED)
def test_a_rule_compiles_to_a_condition(rule, expected):
    assert sql(rule) == expected.replace("\\\\", "\\")


def test_an_empty_list_of_values_finds_nothing():
    assert "1 != 1" in sql({"in": [ID, []]})


REFUSED = [
    pytest.param("{nope", "filter: Json syntax should be used", id="not-json"),
    pytest.param("", "filter: Json syntax should be used", id="empty-text"),
    pytest.param('{"==": [{"var": "id"}, NaN]}', "filter: Json syntax should be used", id="nan"),
    pytest.param("[" * 100_000, "filter: Json syntax should be used", id="too-deep-for-the-parser"),
    pytest.param('{"==": [{"var": "colour"}, 1]}', "filter: 'colour' term is not supported", id="unknown-field"),
    pytest.param(
        '{"xor": [{"var": "id"}, 1]}',
        "filter: xor operation with [{'var': 'id'}, 1] arguments is not implemented",
        id="unknown-operator",
    ),
    pytest.param("{}", "an object with one operator", id="empty-object"),
    pytest.param("[]", "an object with one operator", id="a-list"),
    pytest.param("null", "an object with one operator", id="null"),
    pytest.param('{"and": [], "or": []}', "an object with one operator", id="two-operators"),
    pytest.param('{"and": []}', "and operation with []", id="and-of-none"),
    pytest.param('{"and": {"==": [{"var": "id"}, 1]}}', "and operation with", id="and-of-an-object"),
    pytest.param('{"!": []}', "an object with one operator", id="not-of-none"),
    pytest.param('{"==": [{"var": "id"}]}', "== operation with", id="one-operand"),
    pytest.param('{"==": [1, 2]}', "== operation with", id="no-variable"),
    pytest.param('{"==": [{"var": "id"}, {"var": "id"}]}', "== operation with", id="two-variables"),
    pytest.param('{"==": [1, {"var": "id"}, 2]}', "== operation with", id="equal-of-three"),
    pytest.param('{">": [1, {"var": "id"}, 2]}', "> operation with", id="greater-of-three"),
    pytest.param('{"==": [{"var": 5}, 1]}', "a variable is expected", id="variable-not-text"),
    pytest.param('{"==": [{"val": "id"}, 1]}', "a variable is expected", id="not-a-variable"),
    pytest.param('{"==": [{"var": "id", "x": 1}, 1]}', "a variable is expected", id="variable-and-more"),
    pytest.param('{"==": [{"var": "id"}, "abc"]}', "'abc' does not fit 'id': Enter a number.", id="text-for-number"),
    pytest.param('{"==": [{"var": "id"}, true]}', "does not fit 'id'", id="boolean-for-number"),
    pytest.param('{"==": [{"var": "id"}, 1.5]}', "does not fit 'id'", id="fraction-for-number"),
    pytest.param('{"==": [{"var": "id"}, 1e999]}', "does not fit 'id'", id="infinity-for-number"),
    pytest.param('{"==": [{"var": "id"}, 9223372036854775808]}', "too large", id="beyond-64-bits"),
    pytest.param('{"==": [{"var": "id"}, [1]]}', "does not fit 'id'", id="list-for-number"),
    pytest.param('{"<": [{"var": "id"}, null]}', "cannot be ordered against null", id="order-null"),
    pytest.param('{"==": [{"var": "resolved"}, "maybe"]}', "valid boolean", id="text-for-boolean"),
    pytest.param('{"==": [{"var": "resolved"}, 2]}', "valid boolean", id="two-for-boolean"),
    pytest.param('{"==": [{"var": "updated_date"}, "soon"]}', "Enter a date", id="text-for-date"),
    pytest.param('{"==": [{"var": "updated_date"}, "2026-13"]}', "Enter a date", id="month-13"),
    pytest.param('{"==": [{"var": "updated_date"}, "0001-01-01T00:00+23:00"]}', "Enter a date", id="before-all-dates"),
    pytest.param('{"==": [{"var": "name"}, "a\\u0000b"]}', "Null characters", id="nul"),
    pytest.param('{"==": [{"var": "name"}, "\\ud800"]}', "Null characters", id="lone-surrogate"),
    pytest.param('{"in": ["\\u0000", {"var": "name"}]}', "Null characters", id="contains-nul"),
    pytest.param('{"in": ["1", {"var": "id"}]}', "'id' is not a text", id="contains-in-number"),
    pytest.param('{"in": [{"var": "id"}, 5]}', "in operation with", id="member-of-a-number"),
    pytest.param('{"in": [5, {"var": "name"}]}', "in operation with", id="contains-a-number"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_cannot_be_understood_is_invalid(text, words):
    with pytest.raises(Invalid) as caught:
        compile_filter(text, FIELDS)
    assert words in caught.value.message
    assert caught.value.fields is None


def nested(depth: int) -> str:
    return '{"!": ' * depth + '{"var": "id"}' + "}" * depth


def test_rules_may_be_nested_up_to_the_limit():
    compile_filter(nested(json_logic.MAX_DEPTH), FIELDS)
    with pytest.raises(Invalid, match="nested deeper"):
        compile_filter(nested(json_logic.MAX_DEPTH + 1), FIELDS)


def test_values_are_limited_over_the_whole_filter():
    half = {"in": [ID, list(range(json_logic.MAX_VALUES // 2))]}
    compile_filter(json.dumps({"or": [half, half]}), FIELDS)
    with pytest.raises(Invalid, match="more than"):
        compile_filter(json.dumps({"or": [half, half, {"==": [ID, 1]}]}), FIELDS)


def test_long_input_is_not_echoed_in_full():
    with pytest.raises(Invalid) as caught:
        compile_filter(json.dumps({"x" * 5000: ["y" * 5000]}), FIELDS)
    assert len(caught.value.message) < 1000


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["2026", "id", "name"])
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3))
OPERATORS = st.sampled_from(["and", "or", "!", "!!", "==", "<", "<=", ">", ">=", "in", "var", "!="])
VARIABLES = st.builds(var, st.sampled_from([*FIELDS, "colour"]))
RULES = st.recursive(
    VARIABLES | SCALARS,
    lambda inner: st.builds(lambda operator, parts: {operator: parts}, OPERATORS, inner | st.lists(inner, max_size=4)),
    max_leaves=20,
)


@given(JSON | RULES)
def test_any_json_compiles_or_is_invalid(document):
    try:
        condition = compile_filter(json.dumps(document), FIELDS)
    except Invalid as error:
        assert error.message.startswith("filter: ")
    else:
        assert render(condition)


@given(st.text())
def test_any_text_compiles_or_is_invalid(text):
    try:
        compile_filter(text, FIELDS)
    except Invalid as error:
        assert error.message.startswith("filter: ")
