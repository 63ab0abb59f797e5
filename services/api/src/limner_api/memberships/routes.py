"""Routes under ``/api/memberships``."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.dependencies import BaseURL, Context, Lists, ObjectId, Reading, SignedIn, Work
from limner_api.access.organization_policies import MembershipAction
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts, OrgRole, Relation
from limner_api.access.visibility import visible_memberships
from limner_api.identity.authentication import Authenticated
from limner_api.lists.pages import fetch_page
from limner_api.memberships import service
from limner_api.memberships.listing import listing, render_membership
from limner_api.memberships.tables import memberships
from limner_common.db import Row
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/memberships", tags=["memberships"])

RoleName = Literal["worker", "supervisor", "maintainer", "owner"]


class MembershipUpdate(BaseModel):
    """A new role."""

    role: RoleName


@router.get("")
async def list_memberships(request: Request, who: SignedIn, context: Context, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List one's own memberships; in an organization, all of it to its members."""
    require(who.principal, MembershipAction.LIST, ObjectFacts(context.organization_id, context.role))
    shown = visible_memberships(who.principal, context, memberships.c.organization_id, memberships.c.user_id)
    page = await fetch_page(lists, request.query_params, listing, shown)
    return JSONAnswer(page.render(request, base_url, lambda row: render_membership(row, base_url)))


@router.get("/{membership_id}")
async def retrieve_membership(membership_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Answer a membership to members of the organization and to the person himself."""
    row = await service.find_membership(reading, membership_id)
    require(who.principal, MembershipAction.VIEW, _facts(who, row))
    return JSONAnswer(render_membership(row, base_url))


@router.patch("/{membership_id}")
async def update_membership(
    membership_id: ObjectId, who: SignedIn, uow: Work, base_url: BaseURL, body: MembershipUpdate
) -> JSONAnswer:
    """Give a member another role. For the owner, and for maintainers below their own role."""
    row = await service.find_membership(uow.connection, membership_id)
    role = OrgRole.named(body.role)
    require(who.principal, MembershipAction.UPDATE_ROLE, _facts(who, row, role))
    return JSONAnswer(render_membership(await service.change_role(uow, row, role), base_url))


@router.delete("/{membership_id}", status_code=204)
async def delete_membership(membership_id: ObjectId, who: SignedIn, uow: Work) -> Response:
    """Remove a member, or leave. For the owner, for maintainers below their own role, and for oneself."""
    row = await service.find_membership(uow.connection, membership_id)
    require(who.principal, MembershipAction.DELETE, _facts(who, row))
    await service.remove_membership(uow, row)
    return Response(status_code=204)


def _facts(who: Authenticated, row: Row, new_role: OrgRole | None = None) -> ObjectFacts:
    return ObjectFacts(
        organization_id=row.organization_id,
        role=who.role_in(row.organization_id),
        relations=frozenset({Relation.SELF} if row.user_id == who.account.id else ()),
        target_role=OrgRole.named(row.role),
        new_role=new_role,
    )
