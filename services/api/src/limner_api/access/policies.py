"""The evaluator of the policy tables: deny unless a line allows.

Administrators are allowed everything that has an entry, in organizations without being members too. A read-only token limits
its user, administrators included, to what changes nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType

from limner_api.access.catalog_policies import ASSETS, GUIDES, JOBS, LABELS, PROJECTS, TASKS
from limner_api.access.organization_policies import INVITATIONS, MEMBERSHIPS, ORGANIZATIONS, USERS
from limner_api.access.platform_policies import ACCESS_TOKENS, CLOUD_STORAGES, REQUESTS, SERVER, WEBHOOKS
from limner_api.access.principals import ObjectFacts, Principal
from limner_api.access.review_policies import ANALYTICS, COMMENTS, EVENTS, ISSUES, LAMBDA, QUALITY
from limner_api.access.rules import Action, Rules
from limner_common.errors import Forbidden, Unauthenticated

#: Every action there is, with its lines.
POLICY: Mapping[Action, Rules] = MappingProxyType(
    {
        **PROJECTS,
        **TASKS,
        **JOBS,
        **LABELS,
        **GUIDES,
        **ASSETS,
        **ISSUES,
        **COMMENTS,
        **QUALITY,
        **LAMBDA,
        **ANALYTICS,
        **EVENTS,
        **ORGANIZATIONS,
        **MEMBERSHIPS,
        **INVITATIONS,
        **USERS,
        **CLOUD_STORAGES,
        **WEBHOOKS,
        **SERVER,
        **REQUESTS,
        **ACCESS_TOKENS,
    }
)

#: Second words of the actions that change nothing. Exports only make a copy of what may be read anyway.
_READING = frozenset({"list", "view", "export", "about", "schema"})

#: Facts of an action that concerns no object and no organization.
NO_FACTS = ObjectFacts()


def is_reading(action: Action) -> bool:
    """Return whether the action leaves everything as it is, so that a read-only token may do it."""
    return action.value.split(":")[1] in _READING


def decide(principal: Principal, action: Action, facts: ObjectFacts = NO_FACTS) -> bool:
    """Return whether the principal may do the action.

    Args:
        principal: Who asks.
        action: What he wants to do; one without an entry in the table is refused to everybody.
        facts: The object's organization, the caller's role in it, and how he stands to the object.
    """
    rules = POLICY.get(action)
    if rules is None or (principal.read_only_token and not is_reading(action)):
        return False
    return principal.is_admin or any(rule.matches(principal, facts) for rule in rules)


def require(principal: Principal, action: Action, facts: ObjectFacts = NO_FACTS) -> None:
    """Return when the principal may do the action.

    Raises:
        Unauthenticated: He may not, and nobody is signed in.
        Forbidden: He may not.
    """
    if decide(principal, action, facts):
        return
    if not principal.is_signed_in:
        raise Unauthenticated
    if principal.read_only_token and not is_reading(action):
        raise Forbidden("This access token may only read.", code="token_is_read_only")
    raise Forbidden
