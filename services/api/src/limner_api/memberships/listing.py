"""Memberships as they are listed and shown."""

from typing import Any

import sqlalchemy as sa

from limner_api.lists.pages import ListSource
from limner_api.lists.resources import MEMBERSHIPS
from limner_api.memberships.tables import memberships
from limner_api.users.people import member, person_columns, render_person
from limner_common.clock import wire_date
from limner_common.db import Row

# Table of another feature, named by what is read of it.
_invitations = sa.table("invitations", sa.column("key", sa.Text), sa.column("membership_id", sa.BigInteger), schema="api")

listing = ListSource(
    spec=MEMBERSHIPS,
    source=memberships.join(member, member.c.id == memberships.c.user_id).outerjoin(
        _invitations, _invitations.c.membership_id == memberships.c.id
    ),
    id_column=memberships.c.id,
    columns={"id": memberships.c.id, "user": member.c.username, "role": memberships.c.role},
    selected=[*memberships.c, *person_columns(member, "member"), _invitations.c.key.label("invitation")],
)


def render_membership(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form of a membership."""
    return {
        "id": row.id,
        "user": render_person(row, "member", base_url),
        "organization": row.organization_id,
        "is_active": row.is_active,
        "joined_date": None if row.joined_at is None else wire_date(row.joined_at),
        "role": row.role,
        "invitation": row.invitation,
    }
