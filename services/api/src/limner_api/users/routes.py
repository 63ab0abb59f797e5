"""Routes under ``/api/users``."""

from fastapi import APIRouter, Request

from limner_api.access.dependencies import BaseURL, Services, SignedIn
from limner_api.users.accounts import full_account
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/users", tags=["users"])


@router.get("/self")
async def retrieve_self(request: Request, who: SignedIn, base_url: BaseURL, services: Services) -> JSONAnswer:
    """Answer the caller's own account in full. For everybody who is signed in."""
    return JSONAnswer(full_account(base_url, who.account))
