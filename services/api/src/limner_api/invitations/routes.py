"""Routes under ``/api/invitations``."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.dependencies import BaseURL, Context, Lists, Reading, Services, SignedIn, Work
from limner_api.access.organization_policies import InvitationAction
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts, OrgRole, Relation
from limner_api.access.visibility import visible_invitations
from limner_api.identity.authentication import Authenticated
from limner_api.invitations import service
from limner_api.invitations.listing import listing, memberships, render_invitation
from limner_api.invitations.tables import invitations
from limner_api.lists.pages import fetch_page
from limner_common.db import Row
from limner_common.errors import Invalid
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/invitations", tags=["invitations"])


class InvitationCreate(BaseModel):
    """Whom to invite, in which role."""

    role: Literal["worker", "supervisor", "maintainer", "owner"]
    email: str = Field(min_length=1, max_length=254)


@router.post("", status_code=201)
async def create_invitation(
    body: InvitationCreate, who: SignedIn, context: Context, uow: Work, services: Services, base_url: BaseURL
) -> JSONAnswer:
    """Invite somebody who has an account into the organization of the request. For its maintainers and owner."""
    if context.organization_id is None:
        raise Invalid("Name the organization with the parameter org or org_id.", code="organization_missing")
    role = OrgRole.named(body.role)
    require(who.principal, InvitationAction.CREATE, ObjectFacts(context.organization_id, context.role, new_role=role))
    if role is OrgRole.OWNER:
        raise Invalid(fields={"role": ["An organization has exactly one owner."]}, code="owner_is_fixed")
    settings = services.settings
    row = await service.invite(
        uow,
        context.organization_id,
        who.account.id,
        body.email.strip(),
        role,
        needs_consent=settings.has_invitation_consent,
    )
    return JSONAnswer(render_invitation(row, base_url, settings.invitation_seconds), 201)


@router.get("")
async def list_invitations(
    request: Request, who: SignedIn, context: Context, lists: Lists, services: Services, base_url: BaseURL
) -> JSONAnswer:
    """List invitations one sent or got; in an organization, all to its maintainers."""
    require(who.principal, InvitationAction.LIST, ObjectFacts(context.organization_id, context.role))
    shown = visible_invitations(
        who.principal, context, memberships.c.organization_id, invitations.c.owner_id, memberships.c.user_id
    )
    page = await fetch_page(lists, request.query_params, listing, shown)
    lifetime = services.settings.invitation_seconds
    return JSONAnswer(page.render(request, base_url, lambda row: render_invitation(row, base_url, lifetime)))


@router.get("/{key}")
async def retrieve_invitation(
    key: str, who: SignedIn, reading: Reading, services: Services, base_url: BaseURL
) -> JSONAnswer:
    """Answer an invitation to whom it concerns: inviter, invitee, maintainers."""
    row = await service.find_invitation(reading, key)
    require(who.principal, InvitationAction.VIEW, _facts(who, row))
    return JSONAnswer(render_invitation(row, base_url, services.settings.invitation_seconds))


@router.delete("/{key}", status_code=204)
async def delete_invitation(key: str, who: SignedIn, uow: Work) -> Response:
    """Withdraw an invitation. For the inviter and maintainers."""
    row = await service.find_invitation(uow.connection, key)
    require(who.principal, InvitationAction.DELETE, _facts(who, row))
    await service.withdraw(uow, row)
    return Response(status_code=204)


@router.post("/{key}/accept")
async def accept_invitation(key: str, who: SignedIn, uow: Work, services: Services) -> JSONAnswer:
    """Become a member. For the invitee."""
    row = await service.find_invitation(uow.connection, key)
    require(who.principal, InvitationAction.ACCEPT, _facts(who, row))
    await service.accept(uow, row, lifetime_seconds=services.settings.invitation_seconds)
    return JSONAnswer({"organization_slug": row.slug})


@router.post("/{key}/decline", status_code=204)
async def decline_invitation(key: str, who: SignedIn, uow: Work) -> Response:
    """Turn an invitation down. For the invitee."""
    row = await service.find_invitation(uow.connection, key)
    require(who.principal, InvitationAction.DECLINE, _facts(who, row))
    await service.decline(uow, row)
    return Response(status_code=204)


@router.post("/{key}/resend", status_code=204)
async def resend_invitation(key: str, who: SignedIn, uow: Work) -> Response:
    """Give the invitee time to accept anew; no mail is sent. For the inviter and maintainers."""
    row = await service.find_invitation(uow.connection, key)
    require(who.principal, InvitationAction.RESEND, _facts(who, row))
    await service.resend(uow, row)
    return Response(status_code=204)


def _facts(who: Authenticated, row: Row) -> ObjectFacts:
    relations = set()
    if row.owner_id == who.account.id:
        relations.add(Relation.INVITER)
    if row.member_id == who.account.id:
        relations.add(Relation.INVITEE)
    return ObjectFacts(row.organization_id, who.role_in(row.organization_id), frozenset(relations))
