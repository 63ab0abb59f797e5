"""Routes under ``/api/auth``, all but those of access tokens."""

from fastapi import APIRouter, Request

from limner_api.access.dependencies import PublicWork, Services, SignedIn
from limner_api.identity import service
from limner_api.identity.authentication import failure_key
from limner_api.identity.cookies import CSRF_COOKIE, SESSION_COOKIE, cookie_values, ended_cookies, session_cookies
from limner_api.identity.credentials import CredentialKind, credential_of, is_csrf_proof
from limner_api.identity.schemas import (
    LoginBody,
    PasswordChangeBody,
    PasswordResetBody,
    PasswordResetConfirmBody,
    RegisterBody,
)
from limner_api.users.service import create_account
from limner_common.errors import Forbidden, Gone, Invalid
from limner_common.http.json import JSONAnswer

public_router = APIRouter(prefix="/api/auth", tags=["auth"])
router = APIRouter(prefix="/api/auth", tags=["auth"])

_INCOMPLETE = 'Must include either "username" or "email" and "password".'


@public_router.post("/login")
async def login(request: Request, body: LoginBody, services: Services) -> JSONAnswer:
    """Begin a session with a name or address and a password; sets its two cookies. For everybody."""
    name = body.username or body.email
    if not name or not body.password:
        raise Invalid(_INCOMPLETE)
    key = failure_key(request, services, name)
    await services.login_failures.check(key)
    try:
        user = await service.check_password(services.database, services.passwords, name, body.password)
    except Invalid:
        await services.login_failures.fail(key)
        raise
    await services.login_failures.forget(key)
    async with services.database.begin() as uow:
        begun = await service.begin_session(uow, services.settings, user)
    answer = JSONAnswer({"key": begun.key})
    for cookie in session_cookies(
        begun.session_secret,
        begun.csrf_token,
        max_age_seconds=services.settings.session_seconds,
        is_secure=services.base_url(request).startswith("https:"),
        base_path=services.settings.base_path,
    ):
        answer.headers.append("set-cookie", cookie)
    return answer


@public_router.post("/logout")
async def logout(request: Request, uow: PublicWork, services: Services) -> JSONAnswer:
    """End the session that the request carries, if any. For everybody."""
    cookies = cookie_values(request.headers.get("cookie", ""))
    credential = credential_of(request.headers.get("authorization"), cookies.get(SESSION_COOKIE))
    if credential is not None and credential.kind in (CredentialKind.SESSION, CredentialKind.TOKEN):
        header = request.headers.get("x-csrftoken")
        if credential.kind is CredentialKind.SESSION and not is_csrf_proof(
            credential.secret, cookies.get(CSRF_COOKIE), header
        ):
            raise Forbidden("CSRF Failed: CSRF token missing or incorrect.", code="csrf")
        await service.end_session(uow, credential.secret)
    answer = JSONAnswer({"detail": "Successfully logged out."})
    for cookie in ended_cookies(services.settings.base_path):
        answer.headers.append("set-cookie", cookie)
    return answer


@public_router.post("/register", status_code=201)
async def register(body: RegisterBody, services: Services) -> JSONAnswer:
    """Make an account. For everybody, unless the installation has switched it off."""
    if not services.settings.is_registration_enabled:
        raise Forbidden("Registration is switched off. Ask an administrator for an account.")
    entered = {
        "username": body.username,
        "email": body.email or "",
        "first_name": body.first_name or "",
        "last_name": body.last_name or "",
    }
    values = await service.prepare_account(services.database, services.passwords, entered, body.password1, body.password2)
    async with services.database.begin() as uow:
        account = await create_account(uow, values)
        begun = await service.begin_session(
            uow, services.settings, service.KnownUser(account, new_hash=None), has_cookies=False
        )
    return JSONAnswer({**entered, "email_verification_required": False, "key": begun.key}, 201)


@router.post("/password/change")
async def change_password(body: PasswordChangeBody, services: Services, who: SignedIn) -> JSONAnswer:
    """Replace one's own password; all other sessions end."""
    await service.check_old_password(services.database, services.passwords, who.account.id, body.old_password)
    service.check_new_password(body.new_password1, body.new_password2, (who.account.username,), field="new_password1")
    password_hash = await services.passwords.hash(body.new_password1)
    session_id = who.credential_id if who.kind in (CredentialKind.SESSION, CredentialKind.TOKEN) else None
    async with services.database.begin() as uow:
        await service.change_password(uow, who.account.id, password_hash, session_id=session_id)
    return JSONAnswer({"detail": "New password has been saved."})


@public_router.post("/password/reset")
async def request_password_reset(body: PasswordResetBody) -> JSONAnswer:
    """Answer the same whether or not the address is known. For everybody.

    The product sends no mail: reset links are made by an administrator. The answer is what existing clients expect.
    """
    return JSONAnswer({"detail": "Password reset e-mail has been sent."})


@public_router.post("/password/reset/confirm")
async def confirm_password_reset(request: Request, body: PasswordResetConfirmBody, services: Services) -> JSONAnswer:
    """Set a new password with the two parts of a reset link, which works once. For everybody."""
    key = failure_key(request, services, f"reset:{body.uid}")
    await services.login_failures.check(key)
    try:
        account = await service.find_reset_account(services.database, body.uid, body.token)
    except Invalid:
        await services.login_failures.fail(key)
        raise
    service.check_new_password(body.new_password1, body.new_password2, (account.username,), field="new_password1")
    password_hash = await services.passwords.hash(body.new_password1)
    async with services.database.begin() as uow:
        await service.reset_password(uow, account.id, body.token, password_hash)
    return JSONAnswer({"detail": "Password has been reset with the new password."})


@public_router.get("/rules")
async def retrieve_rules() -> JSONAnswer:
    """Say that there is no policy bundle to download: access is decided inside the server. For everybody."""
    raise Gone("There is no policy bundle: access is decided inside the server.", code="no_policy_bundle")
