"""Which rows of a list a caller may see, as SQL conditions.

The conditions know no table: callers pass the columns that name people and organizations. They never multiply rows, so
joins to single parents keep results distinct.

Source: the access specification, section 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from limner_api.access.contexts import NO_CONTEXT, ContextKind, OrgContext
from limner_api.access.principals import OrgRole, Principal, Privilege

#: They are small; statements made of them are kept by whoever makes these.
_KEPT_CONDITIONS = 1024

Condition = sa.ColumnElement[bool]
IdColumn = sa.ColumnElement[int] | sa.ColumnElement[int | None]


@dataclass(frozen=True, slots=True)
class SeesAll:
    """Who sees all of an organization's rows, not only his own."""

    privilege: Privilege = Privilege.USER
    role: OrgRole = OrgRole.MAINTAINER

    def holds(self, privilege: Privilege, role: OrgRole | None) -> bool:
        """Return whether somebody of this privilege and role does."""
        return role is not None and privilege >= self.privilege and role >= self.role


#: Projects, tasks, jobs, labels, issues, comments, webhooks, invitations.
MAINTAINERS = SeesAll()
#: Cloud storages.
SUPERVISORS = SeesAll(role=OrgRole.SUPERVISOR)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns of a list that decide who sees a row.

    Attributes:
        organization: The row's organization, null in personal workspaces. For rows with a parent, that of the parent.
        people: User ids; a caller who is one of them has a relation to the row.
        crowd: Those of ``people`` that count for callers of exactly the worker privilege without membership: the assignee
            of a job.
    """

    organization: IdColumn
    people: Sequence[IdColumn]
    crowd: Sequence[IdColumn] = ()


def visible(
    principal: Principal,
    context: OrgContext,
    columns: Columns,
    memberships: Mapping[int, OrgRole],
    sees_all: SeesAll = MAINTAINERS,
) -> Condition:
    """Return the rows of a resource that lives in a workspace or an organization; asked the same again, the same object.

    Args:
        principal: Who asks; signed in.
        context: Where he asks. An organization he is no member of shows nothing.
        columns: What the rows are judged by.
        memberships: His active memberships: role by organization id. Only read when ``context`` names no place.
        sees_all: Whom an organization shows everything.
    """
    return _visible(principal, context, columns, tuple(sorted(memberships.items())), sees_all)


@lru_cache(_KEPT_CONDITIONS)
def _visible(
    principal: Principal,
    context: OrgContext,
    columns: Columns,
    memberships: tuple[tuple[int, OrgRole], ...],
    sees_all: SeesAll,
) -> Condition:
    if principal.is_admin:
        return _whole_place(context, columns)
    mine = any_of(columns.people, principal.user_id)
    match context.kind:
        case ContextKind.SANDBOX:
            return sa.and_(columns.organization.is_(None), mine)
        case ContextKind.ORGANIZATION if sees_all.holds(principal.privilege, context.role):
            return _whole_place(context, columns)
        case ContextKind.ORGANIZATION:
            return sa.and_(_whole_place(context, columns), mine) if context.role is not None else sa.false()
        case ContextKind.NONE:
            return _everywhere(principal, columns, dict(memberships), sees_all, mine)


def _whole_place(context: OrgContext, columns: Columns) -> Condition:
    match context.kind:
        case ContextKind.SANDBOX:
            return columns.organization.is_(None)
        case ContextKind.ORGANIZATION:
            return columns.organization == context.organization_id
        case ContextKind.NONE:
            return sa.true()


def without_place_for_crowd(principal: Principal, context: OrgContext, *, of_a_job: bool) -> OrgContext:
    """Return the context for a list of labels, issues or comments.

    Workers ask for those of their jobs without being members of the job's organization. So outside of any organization the
    workspace does not limit a list of one job for them.

    Args:
        principal: Who asks.
        context: Where he asks.
        of_a_job: The list is limited to one job by ``job_id``.
    """
    outside = context.kind is not ContextKind.ORGANIZATION
    return NO_CONTEXT if of_a_job and outside and principal.privilege is Privilege.WORKER else context


def visible_invitations(
    principal: Principal, context: OrgContext, organization: IdColumn, owner: IdColumn, invitee: IdColumn
) -> Condition:
    """Return the invitations a caller sees: those he sent or got; in an organization, its maintainers see all."""
    mine = any_of((owner, invitee), principal.user_id)
    if context.kind is not ContextKind.ORGANIZATION:
        return sa.true() if principal.is_admin else mine
    here = organization == context.organization_id
    if principal.is_admin or MAINTAINERS.holds(principal.privilege, context.role):
        return here
    return sa.and_(here, mine)


def visible_memberships(principal: Principal, context: OrgContext, organization: IdColumn, user: IdColumn) -> Condition:
    """Return the memberships a caller sees: his own; in an organization, its members see all."""
    if context.kind is not ContextKind.ORGANIZATION:
        return sa.true() if principal.is_admin else any_of((user,), principal.user_id)
    if principal.is_admin or context.role is not None:
        return organization == context.organization_id
    return sa.false()


def visible_organizations(principal: Principal, organization: IdColumn, memberships: Mapping[int, OrgRole]) -> Condition:
    """Return the organizations a caller sees: those he is an active member of.

    Args:
        principal: Who asks.
        organization: Id of the row.
        memberships: His active memberships: role by organization id.
    """
    return sa.true() if principal.is_admin else organization.in_(sorted(memberships))


def visible_users(principal: Principal, context: OrgContext, user: IdColumn, members: sa.Select[tuple[int]]) -> Condition:
    """Return the accounts a caller sees: his own; in an organization, its active members.

    Args:
        principal: Who asks.
        context: Where he asks.
        user: Id of the row.
        members: Selects the user ids of the context's organization; only used inside one.
    """
    if context.kind is not ContextKind.ORGANIZATION:
        return sa.true() if principal.is_admin else any_of((user,), principal.user_id)
    if principal.is_admin or context.role is not None:
        return user.in_(members)
    return sa.false()


def any_of(people: Sequence[IdColumn], user_id: int | None) -> Condition:
    """Return the condition that the user is one of the people; never true for nobody."""
    if user_id is None:
        return sa.false()
    return sa.or_(sa.false(), *(column == user_id for column in people))


def _everywhere(
    principal: Principal,
    columns: Columns,
    memberships: Mapping[int, OrgRole],
    sees_all: SeesAll,
    mine: Condition,
) -> Condition:
    allowed_place = sa.or_(columns.organization.is_(None), columns.organization.in_(sorted(memberships)))
    whole = sorted(id_ for id_, role in memberships.items() if sees_all.holds(principal.privilege, role))
    parts = [sa.and_(allowed_place, mine)]
    if whole:
        parts.append(columns.organization.in_(whole))
    if columns.crowd and principal.privilege is Privilege.WORKER:
        parts.append(any_of(columns.crowd, principal.user_id))
    return sa.or_(*parts)
