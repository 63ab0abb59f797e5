"""The conditions, evaluated on rows in memory: SQLite speaks enough SQL to run them."""

import pytest
import sqlalchemy as sa

from limner_api.access.contexts import NO_CONTEXT, SANDBOX, ContextKind, OrgContext
from limner_api.access.principals import OrgRole, Principal, Privilege
from limner_api.access.visibility import (
    MAINTAINERS,
    SUPERVISORS,
    Columns,
    visible,
    visible_invitations,
    visible_memberships,
    visible_organizations,
    visible_users,
    without_place_for_crowd,
)

ME, OTHER = 1, 2
#: Organizations I am maintainer, worker and no member of.
KEPT, JOINED, FOREIGN = 10, 20, 30
MEMBERSHIPS = {KEPT: OrgRole.MAINTAINER, JOINED: OrgRole.WORKER}

metadata = sa.MetaData()
rows = sa.Table(
    "rows",
    metadata,
    sa.Column("name", sa.String),
    sa.Column("organization_id", sa.Integer, nullable=True),
    sa.Column("owner_id", sa.Integer, nullable=True),
    sa.Column("assignee_id", sa.Integer, nullable=True),
)
COLUMNS = Columns(rows.c.organization_id, (rows.c.owner_id, rows.c.assignee_id), crowd=(rows.c.assignee_id,))
DATA = [
    ("mine", None, ME, None),
    ("assigned", None, OTHER, ME),
    ("theirs", None, OTHER, None),
    ("kept", KEPT, OTHER, None),
    ("joined", JOINED, OTHER, None),
    ("joined-mine", JOINED, ME, None),
    ("foreign", FOREIGN, OTHER, None),
    ("foreign-mine", FOREIGN, ME, None),
    ("foreign-assigned", FOREIGN, OTHER, ME),
    ("orphan", None, None, None),
]


def me(privilege: Privilege = Privilege.USER) -> Principal:
    return Principal(user_id=ME, username="me", privilege=privilege)


def inside(organization_id: int) -> OrgContext:
    return OrgContext(ContextKind.ORGANIZATION, organization_id, MEMBERSHIPS.get(organization_id))


def names(condition: sa.ColumnElement[bool]) -> set[str]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        keys = [column.name for column in rows.columns]
        connection.execute(rows.insert(), [dict(zip(keys, row, strict=True)) for row in DATA])
        found = set(connection.scalars(sa.select(rows.c.name).where(condition)))
    engine.dispose()
    return found


@pytest.mark.parametrize(
    ("privilege", "context", "expected"),
    [
        pytest.param(Privilege.USER, SANDBOX, {"mine", "assigned"}, id="sandbox"),
        pytest.param(Privilege.NONE, SANDBOX, {"mine", "assigned"}, id="sandbox-no-group"),
        pytest.param(Privilege.ADMIN, SANDBOX, {"mine", "assigned", "theirs", "orphan"}, id="sandbox-admin"),
        pytest.param(Privilege.USER, inside(KEPT), {"kept"}, id="maintainer-sees-all"),
        pytest.param(Privilege.WORKER, inside(KEPT), set(), id="maintainer-without-privilege"),
        pytest.param(Privilege.USER, inside(JOINED), {"joined-mine"}, id="worker-sees-own"),
        pytest.param(Privilege.USER, inside(FOREIGN), set(), id="no-member"),
        pytest.param(Privilege.ADMIN, inside(FOREIGN), {"foreign", "foreign-mine", "foreign-assigned"}, id="admin"),
        pytest.param(Privilege.USER, NO_CONTEXT, {"mine", "assigned", "kept", "joined-mine"}, id="everywhere"),
        pytest.param(
            Privilege.WORKER, NO_CONTEXT, {"mine", "assigned", "joined-mine", "foreign-assigned"}, id="everywhere-crowd"
        ),
        pytest.param(Privilege.ADMIN, NO_CONTEXT, {row[0] for row in DATA}, id="everywhere-admin"),
    ],
)
def test_rows_of_a_workspace_or_organization(privilege, context, expected):
    assert names(visible(me(privilege), context, COLUMNS, MEMBERSHIPS)) == expected


def test_whoever_asks_the_same_again_gets_the_same_condition_and_nobody_else_does():
    mine = visible(me(), NO_CONTEXT, COLUMNS, MEMBERSHIPS)
    assert visible(me(), NO_CONTEXT, COLUMNS, dict(reversed(MEMBERSHIPS.items()))) is mine
    other = Principal(user_id=OTHER, username="other", privilege=Privilege.USER)
    promoted = MEMBERSHIPS | {JOINED: OrgRole.MAINTAINER}
    assert names(visible(other, NO_CONTEXT, COLUMNS, {})) == {"theirs", "assigned"}
    assert names(visible(me(), NO_CONTEXT, COLUMNS, promoted)) > names(mine)


def test_storages_show_supervisors_everything():
    context = OrgContext(ContextKind.ORGANIZATION, JOINED, OrgRole.SUPERVISOR)
    assert names(visible(me(), context, COLUMNS, MEMBERSHIPS, SUPERVISORS)) == {"joined", "joined-mine"}
    assert names(visible(me(), context, COLUMNS, MEMBERSHIPS, MAINTAINERS)) == {"joined-mine"}


def test_nobody_sees_nothing_even_where_nobody_is_named():
    nobody = Principal(user_id=None)
    assert names(visible(nobody, NO_CONTEXT, COLUMNS, {})) == set()


@pytest.mark.parametrize(
    ("privilege", "context", "of_a_job", "expected"),
    [
        pytest.param(Privilege.WORKER, SANDBOX, True, NO_CONTEXT, id="worker"),
        pytest.param(Privilege.WORKER, SANDBOX, False, SANDBOX, id="without-job"),
        pytest.param(Privilege.USER, SANDBOX, True, SANDBOX, id="user"),
        pytest.param(Privilege.WORKER, inside(FOREIGN), True, inside(FOREIGN), id="inside"),
    ],
)
def test_crowd_workers_reach_the_lists_of_their_jobs(privilege, context, of_a_job, expected):
    assert without_place_for_crowd(me(privilege), context, of_a_job=of_a_job) == expected


@pytest.mark.parametrize(
    ("privilege", "context", "expected"),
    [
        pytest.param(
            Privilege.USER, SANDBOX, {"mine", "assigned", "joined-mine", "foreign-mine", "foreign-assigned"}, id="sandbox"
        ),
        pytest.param(Privilege.USER, inside(KEPT), {"kept"}, id="maintainer"),
        pytest.param(Privilege.USER, inside(JOINED), {"joined-mine"}, id="worker"),
        pytest.param(Privilege.ADMIN, NO_CONTEXT, {row[0] for row in DATA}, id="admin"),
    ],
)
def test_invitations_are_seen_by_both_ends(privilege, context, expected):
    condition = visible_invitations(me(privilege), context, rows.c.organization_id, rows.c.owner_id, rows.c.assignee_id)
    assert names(condition) == expected


@pytest.mark.parametrize(
    ("privilege", "context", "expected"),
    [
        pytest.param(Privilege.USER, SANDBOX, {"mine", "joined-mine", "foreign-mine"}, id="own"),
        pytest.param(Privilege.NONE, inside(JOINED), {"joined", "joined-mine"}, id="member"),
        pytest.param(Privilege.USER, inside(FOREIGN), set(), id="no-member"),
        pytest.param(Privilege.ADMIN, inside(JOINED), {"joined", "joined-mine"}, id="admin"),
    ],
)
def test_memberships_are_seen_by_fellow_members(privilege, context, expected):
    assert names(visible_memberships(me(privilege), context, rows.c.organization_id, rows.c.owner_id)) == expected


def test_organizations_are_seen_by_their_members():
    assert names(visible_organizations(me(), rows.c.organization_id, MEMBERSHIPS)) == {"kept", "joined", "joined-mine"}
    assert names(visible_organizations(me(), rows.c.organization_id, {})) == set()
    assert len(names(visible_organizations(me(Privilege.ADMIN), rows.c.organization_id, {}))) == len(DATA)


@pytest.mark.parametrize(
    ("privilege", "context", "expected"),
    [
        pytest.param(Privilege.USER, NO_CONTEXT, {ME}, id="self"),
        pytest.param(Privilege.USER, SANDBOX, {ME}, id="sandbox"),
        pytest.param(Privilege.NONE, inside(JOINED), {ME, OTHER}, id="members"),
        pytest.param(Privilege.USER, inside(FOREIGN), set(), id="no-member"),
    ],
)
def test_users_are_seen_by_fellow_members(privilege, context, expected):
    members = sa.select(rows.c.owner_id).where(rows.c.organization_id == context.organization_id)
    condition = visible_users(me(privilege), context, rows.c.owner_id, members)
    seen = {row[2] for row in DATA if row[0] in names(condition)}
    assert seen == expected
