"""The language of the policy tables.

A table gives each action its lines; an action is allowed when one line matches. A line is written like the specification:

    sandbox(WORKER, *STAFF)                      worker/–  for staff, in personal workspaces
    organization(USER, MAINTAINER)               user+maint for everybody, in organizations
    anywhere(ANY, Relation.INVITEE)              in both, member or not
    outsider(WORKER, Relation.JOB_ASSIGNEE)      exactly that privilege, in organizations he is no member of

Relations after the privilege and role mean "any of them"; none given means everybody.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from limner_api.access.principals import ObjectFacts, OrgRole, Principal, Privilege, Relation

ANY = Privilege.NONE
WORKER = Privilege.WORKER
USER = Privilege.USER
BUSINESS = Privilege.BUSINESS

#: Any active member.
MEMBER = OrgRole.WORKER
SUPERVISOR = OrgRole.SUPERVISOR
MAINTAINER = OrgRole.MAINTAINER
OWNER = OrgRole.OWNER

BELOW_OWNER = frozenset({OrgRole.WORKER, OrgRole.SUPERVISOR, OrgRole.MAINTAINER})
BELOW_MAINTAINER = frozenset({OrgRole.WORKER, OrgRole.SUPERVISOR})


class Action(StrEnum):
    """Base of the enumerations of actions: ``resource:verb`` with an optional object of the verb."""


class Place(Enum):
    """Where a line applies."""

    SANDBOX = "sandbox"
    ORGANIZATION = "organization"
    ANYWHERE = "anywhere"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy table; all conditions must hold.

    Attributes:
        place: Where it applies.
        privilege: Weakest privilege; exactly this one for ``Place.OUTSIDE``.
        role: Weakest membership role; only in organizations.
        relations: One of these is needed; empty for everybody.
        target_roles: Roles a changed or removed membership may have now; None for no condition.
        new_roles: Roles that may be given; None for no condition.
        signed_in: Whether the caller must be signed in.
    """

    place: Place
    privilege: Privilege = ANY
    role: OrgRole | None = None
    relations: frozenset[Relation] = frozenset()
    target_roles: frozenset[OrgRole] | None = None
    new_roles: frozenset[OrgRole] | None = None
    signed_in: bool = True

    def matches(self, principal: Principal, facts: ObjectFacts) -> bool:
        """Return whether this line allows the principal what it stands for."""
        return (
            (principal.is_signed_in or not self.signed_in)
            and self._privilege_suffices(principal.privilege)
            and self._place_fits(facts)
            and (not self.relations or not self.relations.isdisjoint(facts.relations))
            and (self.target_roles is None or facts.target_role in self.target_roles)
            and (self.new_roles is None or facts.new_role in self.new_roles)
        )

    def _privilege_suffices(self, privilege: Privilege) -> bool:
        return privilege is self.privilege if self.place is Place.OUTSIDE else privilege >= self.privilege

    def _place_fits(self, facts: ObjectFacts) -> bool:
        match self.place:
            case Place.ANYWHERE:
                return True
            case Place.SANDBOX:
                return facts.organization_id is None
            case Place.OUTSIDE:
                return facts.organization_id is not None and facts.role is None
            case Place.ORGANIZATION:
                return facts.organization_id is not None and facts.role is not None and facts.role >= (self.role or MEMBER)


#: The lines of one action.
Rules = tuple[Rule, ...]


def sandbox(privilege: Privilege, *relations: Relation) -> Rule:
    """Allow in personal workspaces."""
    return Rule(Place.SANDBOX, privilege, relations=frozenset(relations))


def organization(
    privilege: Privilege,
    role: OrgRole,
    *relations: Relation,
    targets: frozenset[OrgRole] | None = None,
    gives: frozenset[OrgRole] | None = None,
) -> Rule:
    """Allow to members of the object's organization; ``targets`` and ``gives`` limit the memberships they may touch."""
    return Rule(Place.ORGANIZATION, privilege, role, frozenset(relations), targets, gives)


def anywhere(privilege: Privilege, *relations: Relation, targets: frozenset[OrgRole] | None = None) -> Rule:
    """Allow in personal workspaces and organizations alike, whether or not the caller is a member."""
    return Rule(Place.ANYWHERE, privilege, relations=frozenset(relations), target_roles=targets)


def outsider(privilege: Privilege, *relations: Relation) -> Rule:
    """Allow to callers of exactly this privilege who are not members of the object's organization."""
    return Rule(Place.OUTSIDE, privilege, relations=frozenset(relations))


def public() -> Rule:
    """Allow to everybody, signed in or not."""
    return Rule(Place.ANYWHERE, signed_in=False)


def at_least(privilege: Privilege, rules: Rules) -> Rules:
    """Return the same lines for callers of at least this privilege: "this privilege, and that right as well"."""
    return tuple(
        rule if rule.place is Place.OUTSIDE else replace(rule, privilege=max(privilege, rule.privilege)) for rule in rules
    )
