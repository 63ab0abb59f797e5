"""Routes under ``/api/auth/access_tokens``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.dependencies import BaseURL, Lists, ObjectId, Reading, Services, SignedIn, Work
from limner_api.access.platform_policies import AccessTokenAction
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts, Relation
from limner_api.access_tokens import service
from limner_api.access_tokens.listing import listing, render_access_token
from limner_api.access_tokens.schemas import AccessTokenCreate, AccessTokenUpdate
from limner_api.access_tokens.tables import access_tokens
from limner_api.identity.authentication import Authenticated
from limner_api.identity.credentials import CredentialKind
from limner_api.lists.pages import fetch_page
from limner_common.db import Row
from limner_common.errors import Forbidden, NotFound
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/auth/access_tokens", tags=["auth"])


@router.post("", status_code=201)
async def create_access_token(
    body: AccessTokenCreate, who: SignedIn, uow: Work, services: Services, base_url: BaseURL
) -> JSONAnswer:
    """Make a token of one's own; its value is in this answer and never again."""
    _check_not_a_token(who)
    require(who.principal, AccessTokenAction.CREATE)
    row, value = await service.create_token(
        uow, who.account.id, body, tokens_max=services.settings.access_tokens_per_user_max
    )
    return JSONAnswer({**render_access_token(row, base_url), "value": value}, 201)


@router.get("")
async def list_access_tokens(request: Request, who: SignedIn, lists: Lists, base_url: BaseURL) -> JSONAnswer:
    """List one's own tokens."""
    require(who.principal, AccessTokenAction.LIST)
    page = await fetch_page(lists, request.query_params, listing, access_tokens.c.user_id == who.account.id)
    return JSONAnswer(page.render(request, base_url, lambda row: render_access_token(row, base_url)))


@router.get("/self")
async def retrieve_used_access_token(who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Answer the token that this very request came with."""
    require(who.principal, AccessTokenAction.VIEW_USED)
    if who.kind is not CredentialKind.ACCESS_TOKEN or who.credential_id is None:
        raise NotFound
    return JSONAnswer(render_access_token(await service.find_token(reading, who.credential_id), base_url))


@router.get("/{token_id}")
async def retrieve_access_token(token_id: ObjectId, who: SignedIn, reading: Reading, base_url: BaseURL) -> JSONAnswer:
    """Answer a token of one's own."""
    row = await service.find_token(reading, token_id)
    _require(who, AccessTokenAction.VIEW, row)
    return JSONAnswer(render_access_token(row, base_url))


@router.patch("/{token_id}")
async def update_access_token(
    token_id: ObjectId, who: SignedIn, uow: Work, base_url: BaseURL, body: AccessTokenUpdate | None = None
) -> JSONAnswer:
    """Change name, expiry or rights of a token of one's own."""
    _check_not_a_token(who)
    _require(who, AccessTokenAction.UPDATE, await service.find_token(uow.connection, token_id))
    row = await service.update_token(uow, token_id, body or AccessTokenUpdate())
    return JSONAnswer(render_access_token(row, base_url))


@router.delete("/{token_id}", status_code=204)
async def delete_access_token(token_id: ObjectId, who: SignedIn, uow: Work) -> Response:
    """Revoke a token of one's own."""
    _check_not_a_token(who)
    _require(who, AccessTokenAction.DELETE, await service.find_token(uow.connection, token_id))
    await service.revoke_token(uow, token_id)
    return Response(status_code=204)


def _require(who: Authenticated, action: AccessTokenAction, row: Row) -> None:
    is_own = row.user_id == who.account.id
    if not (is_own or who.principal.is_admin):
        raise NotFound
    require(who.principal, action, ObjectFacts(relations=frozenset({Relation.OWNER} if is_own else ())))


def _check_not_a_token(who: Authenticated) -> None:
    """Refuse calls that come with a token: a stolen one must not be able to make others."""
    if who.kind is CredentialKind.ACCESS_TOKEN:
        raise Forbidden("Access tokens cannot manage access tokens.", code="token_manages_tokens")
