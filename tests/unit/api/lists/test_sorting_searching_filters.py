import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from limner_api.lists.fields import Field
from limner_api.lists.resources import DIMENSION, FLAG, JOB_TYPE, NUMBER, TEXT
from limner_api.lists.searching import MAX_WORDS, search_condition
from limner_api.lists.simple_filters import only_one_of, simple_conditions
from limner_api.lists.sorting import order_by
from limner_common.errors import Invalid

rows = sa.table("t", *map(sa.column, ("id", "name", "owner", "dimension", "type", "resolved")))
COLUMNS = {"id": rows.c.id, "name": rows.c.name, "owner": rows.c.owner}
FIELDS = {
    "project_id": Field(rows.c.id, NUMBER),
    "owner": Field(rows.c.owner, TEXT),
    "dimension": Field(rows.c.dimension, DIMENSION),
    "type": Field(rows.c.type, JOB_TYPE),
    "resolved": Field(rows.c.resolved, FLAG),
}


def render(clause: sa.ColumnElement) -> str:
    compiled = clause.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    return " ".join(str(compiled).replace("%%", "%").split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, "t.id DESC, t.id DESC", id="default"),
        pytest.param("", "t.id DESC, t.id DESC", id="empty"),
        pytest.param("name", "t.name ASC, t.id ASC", id="ascending"),
        pytest.param("-name", "t.name DESC, t.id DESC", id="descending"),
        pytest.param("owner,-name", "t.owner ASC, t.name DESC, t.id DESC", id="two"),
        pytest.param(" owner , -name ", "t.owner ASC, t.name DESC, t.id DESC", id="spaces"),
        pytest.param("colour", "t.id DESC, t.id DESC", id="unknown"),
        pytest.param("colour,name", "t.name ASC, t.id ASC", id="unknown-and-known"),
        pytest.param("name,-name", "t.name ASC, t.id ASC", id="twice"),
    ],
)
def test_order_is_total_and_passes_over_unknown_fields(text, expected):
    assert ", ".join(map(render, order_by(text, COLUMNS, "-id", rows.c.id))) == expected


def test_a_default_order_without_a_column_is_a_mistake():
    with pytest.raises(ValueError, match="names no column"):
        order_by(None, COLUMNS, "-created_date", rows.c.id)


FOUND = r"(t.name ILIKE '%{0}%' ESCAPE '\' OR t.owner ILIKE '%{0}%' ESCAPE '\')"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("video", FOUND.format("video")[1:-1], id="one-word"),
        pytest.param(" cat  dog ", FOUND.format("cat") + " AND " + FOUND.format("dog"), id="all-words"),
        pytest.param("cat,dog", FOUND.format("cat") + " AND " + FOUND.format("dog"), id="comma"),
        pytest.param("50%_\\", FOUND.format(r"50\%\_\\")[1:-1], id="escaped"),
        pytest.param("a\x00b", "false", id="nul"),
        pytest.param("\udcff", "false", id="lone-surrogate"),
    ],
)
def test_every_word_must_be_found_somewhere(text, expected):
    condition = search_condition(text, [rows.c.name, rows.c.owner])
    assert condition is not None
    assert render(condition) == expected


@pytest.mark.parametrize("text", [None, "", "  ", " , "])
def test_searching_for_nothing_limits_nothing(text):
    assert search_condition(text, [rows.c.name]) is None


def test_words_beyond_the_limit_are_not_looked_for():
    condition = search_condition(" ".join(f"w{n}w" for n in range(MAX_WORDS + 5)), [rows.c.name])
    assert condition is not None
    assert render(condition).count("ILIKE") == MAX_WORDS


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("project_id", "7", "t.id = 7", id="number"),
        pytest.param("project_id", " 7 ", "t.id = 7", id="number-with-spaces"),
        pytest.param("owner", "ann", "t.owner = 'ann'", id="text"),
        pytest.param("owner", "12", "t.owner = '12'", id="text-of-digits"),
        pytest.param("dimension", "3d", "t.dimension = '3d'", id="choice"),
        pytest.param("type", "consensus_replica", "t.type = 'replica'", id="old-spelling"),
        pytest.param("resolved", "True", "t.resolved = true", id="python-boolean"),
        pytest.param("resolved", "0", "t.resolved = false", id="digit-boolean"),
    ],
)
def test_a_parameter_compares_its_field(name, value, expected):
    assert [render(c) for c in simple_conditions({name: value}, FIELDS)] == [expected]


def test_empty_and_unknown_parameters_limit_nothing():
    assert simple_conditions({"owner": "", "colour": "red", "page": "2"}, FIELDS) == []


def test_several_parameters_give_several_conditions():
    assert len(simple_conditions({"owner": "ann", "project_id": "1"}, FIELDS)) == 2


def test_all_bad_values_are_named():
    with pytest.raises(Invalid) as caught:
        simple_conditions({"project_id": "x", "dimension": "4d", "resolved": "maybe", "owner": "\x00"}, FIELDS)
    assert caught.value.fields == {
        "project_id": ["Enter a number."],
        "owner": ["Null characters are not allowed."],
        "dimension": ["Select a valid choice. 4d is not one of the available choices."],
        "resolved": ["Must be a valid boolean."],
    }


PARENTS = ("job_id", "task_id", "project_id")


def test_labels_are_listed_through_one_parent():
    assert only_one_of({}, PARENTS) is None
    assert only_one_of({"task_id": "1", "job_id": ""}, PARENTS) == "task_id"
    with pytest.raises(Invalid, match=r"^job_id, task_id and project_id parameters cannot be used together$"):
        only_one_of({"task_id": "1", "project_id": "1"}, PARENTS)
