"""Routes under ``/api/users``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.dependencies import BaseURL, Caller, Context, Lists, ObjectId, Reading, SignedIn, Work, container_of
from limner_api.access.organization_policies import UserAction
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.identity.renewal import renewed_cookies
from limner_api.lists.pages import fetch_page
from limner_api.users import repository, service
from limner_api.users.accounts import basic_account, full_account
from limner_api.users.listing import listing, shown_to
from limner_api.users.schemas import UserUpdate
from limner_common.errors import NotFound
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/users", tags=["users"])


@router.get("/self")
async def retrieve_self(request: Request, who: SignedIn) -> JSONAnswer:
    """Answer the caller's own account in full; renews a session in its second half. For everybody who is signed in."""
    services = container_of(request)
    base_url = services.base_url(request)
    answer = JSONAnswer(full_account(base_url, who.account))
    for cookie in await renewed_cookies(request, services, who):
        answer.headers.append("set-cookie", cookie)
    return answer


@router.get("")
async def list_users(request: Request, caller: Caller, context: Context, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List accounts: one's own, in an organization its members; administrators see all, and in full."""
    require(caller, UserAction.LIST, ObjectFacts(context.organization_id, context.role))
    page = await fetch_page(lists, request.query_params, listing, shown_to(caller, context))
    form = full_account if caller.is_admin else basic_account
    return JSONAnswer(page.render(request, base_url, lambda row: form(base_url, repository.account_of(row))))


@router.get("/{user_id}")
async def retrieve_user(user_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Answer an account: one's own and to administrators in full, of fellow members the basic form."""
    account = await service.find_account(reading, user_id)
    if account is None:
        raise NotFound
    facts = await service.view_facts(reading, who.principal, user_id, sorted(who.memberships))
    require(who.principal, UserAction.VIEW, facts)
    is_full = who.principal.is_admin or who.account.id == user_id
    return JSONAnswer((full_account if is_full else basic_account)(base_url, account))


@router.patch("/{user_id}")
async def update_user(
    user_id: ObjectId, caller: Caller, uow: Work, base_url: BaseURL, body: UserUpdate | None = None
) -> JSONAnswer:
    """Change an account: people their own names, administrators everything."""
    account = await service.update_account(uow, caller, user_id, body or UserUpdate())
    return JSONAnswer((full_account if caller.is_admin else basic_account)(base_url, account))


@router.delete("/{user_id}", status_code=204)
async def delete_user(user_id: ObjectId, caller: Caller, uow: Work) -> Response:
    """Delete an account: one's own; administrators any."""
    await service.delete_account(uow, caller, user_id)
    return Response(status_code=204)
