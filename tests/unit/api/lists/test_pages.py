"""Statements of lists that are kept ready belong to one caller and one question."""

import pytest
import sqlalchemy as sa

from limner_api.lists.pages import ListSource, fetch_page
from limner_api.lists.resources import USERS
from limner_common.db import Listed
from limner_common.errors import Invalid

people = sa.table("people", *(sa.column(name) for name in ("id", "username", "first_name", "last_name", "is_active")))
LISTING = ListSource(USERS, people, people.c.id, dict(people.c), [people.c.id])
MINE, THEIRS = people.c.id == 1, people.c.id == 2


class Reader:
    """Notes statements and finds nothing."""

    def __init__(self) -> None:
        self.statements: list[sa.Select] = []

    async def fetch(self, statement: sa.Select) -> Listed:
        self.statements.append(statement)
        return Listed(("id", "total"), ())


async def made(parameters: dict[str, str], *visible: sa.ColumnElement[bool], is_kept: bool = True) -> sa.Select:
    reader = Reader()
    await fetch_page(reader, parameters, LISTING, *visible, is_kept=is_kept)
    return reader.statements[0]


async def test_the_same_question_of_the_same_caller_finds_its_statement_ready():
    statement = await made({"sort": "username"}, MINE)
    assert await made({"sort": "username"}, MINE) is statement
    assert await made({"sort": "username"}, MINE, is_kept=False) is not statement


@pytest.mark.parametrize(
    ("parameters", "visible"),
    [
        pytest.param({"sort": "username", "page_size": "5"}, MINE, id="another-caller-never-gets-it"),
        pytest.param({"sort": "-username"}, THEIRS, id="another-order"),
        pytest.param({"sort": "username", "username": "b"}, THEIRS, id="another-filter"),
        pytest.param({"sort": "username", "search": "b"}, THEIRS, id="a-search"),
        pytest.param({"sort": "username", "page_size": "6"}, THEIRS, id="another-size"),
    ],
)
async def test_another_question_makes_another_statement(parameters, visible):
    def text(statement: sa.Select) -> tuple[str, dict[str, object]]:
        compiled = statement.compile()
        return str(compiled), dict(compiled.params)

    first = await made({"sort": "username", "page_size": "5"}, THEIRS)
    assert text(await made(parameters, visible)) != text(first)


async def test_a_long_question_is_not_kept():
    parameters = {"search": "a" * 600}
    assert await made(parameters, MINE) is not await made(parameters, MINE)


async def test_a_question_that_cannot_be_read_is_refused_every_time():
    for _ in range(2):
        with pytest.raises(Invalid):
            await made({"is_active": "perhaps"}, MINE)
