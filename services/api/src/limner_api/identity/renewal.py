"""Sessions of people who keep working go on: the client's first call of a visit renews those in their second half."""

from datetime import timedelta

from starlette.requests import Request

from limner_api.container import ApiContainer
from limner_api.identity.authentication import Authenticated
from limner_api.identity.cookies import SESSION_COOKIE, cookie_values, session_cookies
from limner_api.identity.credentials import CredentialKind, csrf_token_of
from limner_api.identity.service import extend_session
from limner_common.clock import utc_now


async def renewed_cookies(request: Request, services: ApiContainer, who: Authenticated) -> list[str]:
    """Renew the session of a request when it is in its second half.

    Returns:
        ``Set-Cookie`` values to answer with; the tokens in them are the same as before. Empty when nothing was renewed.
    """
    lifetime = services.settings.session_seconds
    if who.kind is not CredentialKind.SESSION or who.credential_id is None or who.expires_at is None:
        return []
    if who.expires_at - utc_now() > timedelta(seconds=lifetime / 2):
        return []
    async with services.database.begin() as uow:
        await extend_session(uow, services.settings, who.credential_id)
    secret = cookie_values(request.headers.get("cookie", ""))[SESSION_COOKIE]
    return session_cookies(
        secret,
        csrf_token_of(secret),
        max_age_seconds=lifetime,
        is_secure=services.base_url(request).startswith("https:"),
        base_path=services.settings.base_path,
    )
