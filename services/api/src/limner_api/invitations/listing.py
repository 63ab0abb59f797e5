"""Invitations as they are listed and shown."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from limner_api.invitations.tables import invitations
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import INVITATIONS
from limner_api.users.people import member, owner, person_columns, render_person
from limner_common.clock import utc_now, wire_date
from limner_common.db import Row

# Tables of other features, named by what is read of them.
memberships = sa.table(
    "memberships",
    sa.column("id", sa.BigInteger),
    sa.column("organization_id", sa.BigInteger),
    sa.column("user_id", sa.BigInteger),
    sa.column("role", sa.Text),
    sa.column("is_active", sa.Boolean),
    schema="api",
)
_organizations = sa.table(
    "organizations",
    sa.column("id", sa.BigInteger),
    sa.column("slug", sa.Text),
    sa.column("name", sa.Text),
    schema="api",
)

listing = ListSource(
    spec=INVITATIONS,
    source=invitations.join(memberships, memberships.c.id == invitations.c.membership_id)
    .join(_organizations, _organizations.c.id == memberships.c.organization_id)
    .join(member, member.c.id == memberships.c.user_id)
    .outerjoin(owner, owner.c.id == invitations.c.owner_id),
    id_column=invitations.c.membership_id,
    columns={
        "id": invitations.c.membership_id,
        "owner": owner.c.username,
        "user_id": memberships.c.user_id,
        "accepted": memberships.c.is_active,
        "created_date": invitations.c.created_at,
    },
    selected=[
        invitations.c.key,
        invitations.c.membership_id,
        invitations.c.created_at,
        invitations.c.sent_at,
        memberships.c.organization_id,
        memberships.c.role,
        memberships.c.is_active,
        _organizations.c.slug,
        _organizations.c.name,
        *person_columns(owner, "owner"),
        *person_columns(member, "member"),
    ],
)


def is_expired(row: Row, lifetime_seconds: int) -> bool:
    """Return whether it is too late to accept; what was accepted never expires."""
    return not row.is_active and row.sent_at + timedelta(seconds=lifetime_seconds) < utc_now()


def render_invitation(row: Row, base_url: str, lifetime_seconds: int) -> dict[str, Any]:
    """Return the wire form of an invitation."""
    return {
        "key": row.key,
        "created_date": wire_date(row.created_at),
        "owner": render_person(row, "owner", base_url),
        "role": row.role,
        "user": render_person(row, "member", base_url),
        "organization": row.organization_id,
        "expired": None if row.is_active else is_expired(row, lifetime_seconds),
        "accepted": row.is_active,
        "organization_info": {"id": row.organization_id, "slug": row.slug, "name": row.name},
    }
