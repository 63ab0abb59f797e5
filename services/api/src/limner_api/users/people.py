"""Owners and assignees in other resources' rows: joins, columns and rendering."""

from functools import cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from limner_api.users.accounts import basic_user
from limner_api.users.tables import users
from limner_common.db import Row

owner = users.alias("owner")
assignee = users.alias("assignee")
member = users.alias("member")


_PARTS = ("id", "username", "first_name", "last_name")


@cache
def _parts_of(prefix: str) -> "attrgetter[tuple[int, str | None, str, str]]":
    return attrgetter(*(f"{prefix}_{name}" for name in _PARTS))


def person_columns(person: sa.FromClause, prefix: str) -> list[sa.Label[Any]]:
    """Return the columns of a joined person that ``render_person`` reads, labelled with a prefix."""
    return [person.c[name].label(f"{prefix}_{name}") for name in _PARTS]


def render_person(row: Row, prefix: str, base_url: str) -> dict[str, Any] | None:
    """Return the basic form of the person joined under a prefix; None when there is none."""
    id_, username, first_name, last_name = _parts_of(prefix)(row)
    return None if username is None else basic_user(base_url, id_, username, first_name, last_name)
