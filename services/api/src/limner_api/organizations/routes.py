"""Routes under ``/api/organizations``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.dependencies import BaseURL, Lists, ObjectId, Reading, SignedIn, Work
from limner_api.access.organization_policies import OrganizationAction
from limner_api.access.policies import decide, require
from limner_api.access.principals import ObjectFacts
from limner_api.access.visibility import visible_organizations
from limner_api.identity.authentication import Authenticated
from limner_api.lists.pages import fetch_page
from limner_api.organizations import service
from limner_api.organizations.cleanups import CLEANUPS
from limner_api.organizations.listing import listing, render_organization
from limner_api.organizations.schemas import OrganizationCreate, OrganizationUpdate
from limner_common.errors import NotFound
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/organizations", tags=["organizations"])


@router.post("", status_code=201)
async def create_organization(body: OrganizationCreate, who: SignedIn, uow: Work, base_url: BaseURL) -> JSONAnswer:
    """Make an organization and own it. For the groups user and stronger."""
    require(who.principal, OrganizationAction.CREATE)
    row = await service.create_organization(uow, who.account.id, body.model_dump())
    return JSONAnswer(render_organization(row, base_url), 201)


@router.get("")
async def list_organizations(request: Request, who: SignedIn, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List the organizations the caller is a member of; administrators see all."""
    require(who.principal, OrganizationAction.LIST)
    shown = visible_organizations(who.principal, listing.id_column, who.memberships)
    page = await fetch_page(lists, request.query_params, listing, shown)
    return JSONAnswer(page.render(request, base_url, lambda row: render_organization(row, base_url)))


@router.get("/{organization_id}")
async def retrieve_organization(organization_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Answer an organization to its members; others do not learn that there is one."""
    _check_seen(who, organization_id)
    return JSONAnswer(render_organization(await service.find_organization(reading, organization_id), base_url))


@router.patch("/{organization_id}")
async def update_organization(
    organization_id: ObjectId, who: SignedIn, uow: Work, base_url: BaseURL, body: OrganizationUpdate | None = None
) -> JSONAnswer:
    """Change an organization. For its maintainers and owner."""
    _check_seen(who, organization_id)
    before = await service.find_organization(uow.connection, organization_id)
    require(who.principal, OrganizationAction.UPDATE, _facts(who, organization_id))
    values = {} if body is None else body.model_dump(exclude_unset=True)
    row = await service.update_organization(uow, before, values)
    return JSONAnswer(render_organization(row, base_url))


@router.delete("/{organization_id}", status_code=204)
async def delete_organization(organization_id: ObjectId, who: SignedIn, uow: Work) -> Response:
    """Delete an organization with all its projects, tasks and jobs. For its owner."""
    _check_seen(who, organization_id)
    await service.find_organization(uow.connection, organization_id)
    require(who.principal, OrganizationAction.DELETE, _facts(who, organization_id))
    await service.delete_organization(uow, organization_id, CLEANUPS)
    return Response(status_code=204)


def _facts(who: Authenticated, organization_id: int) -> ObjectFacts:
    return ObjectFacts(organization_id, who.role_in(organization_id))


def _check_seen(who: Authenticated, organization_id: int) -> None:
    if not decide(who.principal, OrganizationAction.VIEW, _facts(who, organization_id)):
        raise NotFound
