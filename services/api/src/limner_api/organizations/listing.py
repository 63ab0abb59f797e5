"""Organizations as they are listed and shown."""

from typing import Any

from limner_api.lists.pages import ListSource
from limner_api.lists.resources import ORGANIZATIONS
from limner_api.organizations.tables import organizations
from limner_api.users.people import owner, person_columns, render_person
from limner_common.clock import wire_date
from limner_common.db import Row

listing = ListSource(
    spec=ORGANIZATIONS,
    source=organizations.outerjoin(owner, owner.c.id == organizations.c.owner_id),
    id_column=organizations.c.id,
    columns={
        "id": organizations.c.id,
        "slug": organizations.c.slug,
        "name": organizations.c.name,
        "owner": owner.c.username,
    },
    selected=[
        *(column for column in organizations.c if column.name != "owner_id"),
        *person_columns(owner, "owner"),
    ],
)


def render_organization(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form of an organization."""
    return {
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "description": row.description,
        "created_date": wire_date(row.created_at),
        "updated_date": wire_date(row.updated_at),
        "contact": row.contact,
        "owner": render_person(row, "owner", base_url),
    }
