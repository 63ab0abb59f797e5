"""Accounts as they are listed."""

import sqlalchemy as sa

from limner_api.access.contexts import OrgContext
from limner_api.access.principals import Principal
from limner_api.access.visibility import Condition, visible_users
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import USERS
from limner_api.users.repository import ACCOUNT_COLUMNS, memberships
from limner_api.users.tables import users

listing = ListSource(
    spec=USERS,
    source=users,
    id_column=users.c.id,
    columns={name: users.c[name] for name in ("id", "username", "first_name", "last_name", "is_active")},
    selected=ACCOUNT_COLUMNS,
)


def shown_to(principal: Principal, context: OrgContext) -> Condition:
    """Return the accounts that the caller may see."""
    members = sa.select(memberships.c.user_id).where(
        memberships.c.organization_id == context.organization_id, memberships.c.is_active
    )
    return visible_users(principal, context, users.c.id, members)
