"""The organization a request is made in.

A request names it with the header ``X-Organization``, ``org`` (both a slug) or ``org_id``. An empty value is the personal
workspace; no name at all means everything the caller may see.

Source: the access specification, section 1, "Context".
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from limner_api.access.principals import OrgRole
from limner_common.errors import Invalid, NotFound

_ID_CONFLICT = (
    'You cannot specify "org_id" query parameter with "org" query parameter or "X-Organization" HTTP header '
    "at the same time."
)
_SLUG_CONFLICT = 'You cannot specify "org" query parameter and "X-Organization" HTTP header with different values.'
_MAX_ID = 2**31 - 1


class ContextKind(StrEnum):
    """Where a request is made."""

    NONE = "none"
    SANDBOX = "sandbox"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class OrgReference:
    """What a request says about its organization; exactly one of ``slug`` and ``id`` is set for an organization."""

    kind: ContextKind
    slug: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class OrgContext:
    """Where a request is made, looked up.

    Attributes:
        kind: Everywhere, personal workspace, or one organization.
        organization_id: That organization.
        role: The caller's role in it as an active member, or None.
    """

    kind: ContextKind
    organization_id: int | None = None
    role: OrgRole | None = None


NO_CONTEXT = OrgContext(ContextKind.NONE)
SANDBOX = OrgContext(ContextKind.SANDBOX)


def read_reference(*, header: str | None, org: str | None, org_id: str | None) -> OrgReference:
    """Read the three ways to name an organization.

    Args:
        header: Value of ``X-Organization``, None when absent.
        org: Query parameter ``org``, None when absent.
        org_id: Query parameter ``org_id``, None when absent.

    Raises:
        Invalid: They contradict each other, or ``org_id`` is not a number.
    """
    if org_id is not None:
        if org is not None or header is not None:
            raise Invalid(_ID_CONFLICT, code="organization_ambiguous")
        return _by_id(org_id.strip())
    if org is not None and header is not None and org != header:
        raise Invalid(_SLUG_CONFLICT, code="organization_ambiguous")
    slug = header if org is None else org
    if slug is None:
        return OrgReference(ContextKind.NONE)
    return OrgReference(ContextKind.ORGANIZATION, slug=slug) if slug else OrgReference(ContextKind.SANDBOX)


def resolve(reference: OrgReference, organization_id: int | None, role: OrgRole | None) -> OrgContext:
    """Combine a reference with what was found for it.

    Args:
        reference: What the request says.
        organization_id: The organization found for it, or None.
        role: The caller's role in it as an active member, or None.

    Raises:
        NotFound: An organization is named and there is none.
    """
    match reference.kind:
        case ContextKind.NONE:
            return NO_CONTEXT
        case ContextKind.SANDBOX:
            return SANDBOX
        case ContextKind.ORGANIZATION if organization_id is None:
            name = reference.slug if reference.slug is not None else reference.id
            raise NotFound(f"{name} organization does not exist.")
        case ContextKind.ORGANIZATION:
            return OrgContext(ContextKind.ORGANIZATION, organization_id, role)


def _by_id(text: str) -> OrgReference:
    if not text:
        return OrgReference(ContextKind.SANDBOX)
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Invalid(fields={"org_id": ["A valid integer is required."]})
    number = int(text)
    if number > _MAX_ID:
        raise NotFound(f"{number} organization does not exist.")
    return OrgReference(ContextKind.ORGANIZATION, id=number)
