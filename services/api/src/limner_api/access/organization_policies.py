"""Policies of organizations, memberships, invitations and users.

An organization is "in itself": its facts carry its own id and the caller's role in it. So do those of its memberships and
invitations. Nobody makes another owner, not even an administrator: that is a rule of memberships, not of access.

Source: the access specification, sections 2.8 and 2.9.
"""

from collections.abc import Mapping

from limner_api.access.principals import Relation
from limner_api.access.rules import (
    ANY,
    BELOW_MAINTAINER,
    BELOW_OWNER,
    MAINTAINER,
    MEMBER,
    OWNER,
    USER,
    WORKER,
    Action,
    Rules,
    anywhere,
    organization,
    public,
    sandbox,
)


class OrganizationAction(Action):
    """What can be done with an organization."""

    CREATE = "organization:create"
    LIST = "organization:list"
    VIEW = "organization:view"
    UPDATE = "organization:update"
    DELETE = "organization:delete"


class MembershipAction(Action):
    """What can be done with a membership; leaving is removing one's own."""

    LIST = "membership:list"
    VIEW = "membership:view"
    UPDATE_ROLE = "membership:update:role"
    DELETE = "membership:delete"


class InvitationAction(Action):
    """What can be done with an invitation; the invitee is not a member yet."""

    CREATE = "invitation:create"
    LIST = "invitation:list"
    VIEW = "invitation:view"
    RESEND = "invitation:resend"
    DELETE = "invitation:delete"
    ACCEPT = "invitation:accept"
    DECLINE = "invitation:decline"


class UserAction(Action):
    """What can be done with accounts. Flags are groups, superuser, staff and active."""

    REGISTER = "user:register"
    LOGIN = "user:login"
    LIST = "user:list"
    VIEW = "user:view"
    UPDATE = "user:update"
    UPDATE_FLAGS = "user:update:flags"
    DELETE = "user:delete"


_INVITER = (anywhere(ANY, Relation.INVITER), organization(USER, MAINTAINER))
_INVITER_WRITES: Rules = (organization(WORKER, MEMBER, Relation.INVITER), organization(USER, MAINTAINER))
_INVITEE: Rules = (anywhere(ANY, Relation.INVITEE),)

ORGANIZATIONS: Mapping[Action, Rules] = {
    OrganizationAction.CREATE: (anywhere(USER),),
    OrganizationAction.LIST: (anywhere(ANY),),
    OrganizationAction.VIEW: (organization(ANY, MEMBER),),
    OrganizationAction.UPDATE: (organization(WORKER, MAINTAINER),),
    OrganizationAction.DELETE: (organization(WORKER, OWNER),),
}

MEMBERSHIPS: Mapping[Action, Rules] = {
    MembershipAction.LIST: (sandbox(ANY), organization(ANY, MEMBER)),
    MembershipAction.VIEW: (anywhere(ANY, Relation.SELF), organization(ANY, MEMBER)),
    MembershipAction.UPDATE_ROLE: (
        organization(USER, OWNER, targets=BELOW_OWNER, gives=BELOW_OWNER),
        organization(USER, MAINTAINER, targets=BELOW_MAINTAINER, gives=BELOW_MAINTAINER),
    ),
    MembershipAction.DELETE: (
        organization(USER, OWNER, targets=BELOW_OWNER),
        organization(USER, MAINTAINER, targets=BELOW_MAINTAINER),
        anywhere(ANY, Relation.SELF, targets=BELOW_OWNER),
    ),
}

INVITATIONS: Mapping[Action, Rules] = {
    InvitationAction.CREATE: (
        organization(USER, OWNER, gives=BELOW_OWNER),
        organization(USER, MAINTAINER, gives=BELOW_MAINTAINER),
    ),
    InvitationAction.LIST: (sandbox(ANY), organization(ANY, MEMBER)),
    InvitationAction.VIEW: (*_INVITER, *_INVITEE),
    InvitationAction.RESEND: _INVITER_WRITES,
    InvitationAction.DELETE: _INVITER_WRITES,
    InvitationAction.ACCEPT: _INVITEE,
    InvitationAction.DECLINE: _INVITEE,
}

USERS: Mapping[Action, Rules] = {
    UserAction.REGISTER: (public(),),
    UserAction.LOGIN: (public(),),
    UserAction.LIST: (sandbox(ANY), organization(ANY, MEMBER)),
    UserAction.VIEW: (anywhere(ANY, Relation.SELF, Relation.FELLOW_MEMBER),),
    UserAction.UPDATE: (anywhere(ANY, Relation.SELF),),
    UserAction.UPDATE_FLAGS: (),
    UserAction.DELETE: (anywhere(ANY, Relation.SELF),),
}
