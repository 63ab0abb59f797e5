"""Owners and assignees in other resources' rows: joins, columns and rendering."""

from typing import Any

import sqlalchemy as sa

from limner_api.users.accounts import basic_user
from limner_api.users.tables import users
from limner_common.db import Row

owner = users.alias("owner")
assignee = users.alias("assignee")
member = users.alias("member")


def person_columns(person: sa.FromClause, prefix: str) -> list[sa.Label[Any]]:
    """Return the columns of a joined person that ``render_person`` reads, labelled with a prefix."""
    return [person.c[name].label(f"{prefix}_{name}") for name in ("id", "username", "first_name", "last_name")]


def render_person(row: Row, prefix: str, base_url: str) -> dict[str, Any] | None:
    """Return the basic form of the person joined under a prefix; None when there is none."""
    values = row._mapping
    if values[f"{prefix}_username"] is None:
        return None
    return basic_user(
        base_url,
        values[f"{prefix}_id"],
        values[f"{prefix}_username"],
        values[f"{prefix}_first_name"],
        values[f"{prefix}_last_name"],
    )
