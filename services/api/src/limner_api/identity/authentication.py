"""Finds out who asks: one SQL round trip a request, whatever the credential.

Unsafe methods with a session need the CSRF token, and over https an origin of ours; tokens and passwords do not, because
browsers never send them by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg
from starlette.requests import Request

from limner_api.access.principals import OrgRole, Principal, privilege_of
from limner_api.container import ApiContainer
from limner_api.identity import repository
from limner_api.identity.cookies import CSRF_COOKIE, SESSION_COOKIE, cookie_values
from limner_api.identity.credentials import Credential, CredentialKind, credential_of, digest_of, is_csrf_proof
from limner_api.users.accounts import Account
from limner_common.clock import utc_now
from limner_common.errors import Forbidden, Unauthenticated

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Whoever asks, with all that was read of him.

    Attributes:
        principal: What the policies look at.
        account: His account.
        memberships: His active memberships: role by organization id.
        organizations: Ids of the same organizations by slug.
        kind: How he proved it.
        credential_id: Id of the session or access token; None for passwords.
        expires_at: When that ends; None when it does not.
    """

    principal: Principal
    account: Account
    memberships: Mapping[int, OrgRole]
    organizations: Mapping[str, int]
    kind: CredentialKind
    credential_id: int | None = None
    expires_at: datetime | None = None

    def role_in(self, organization_id: int | None) -> OrgRole | None:
        """Return the caller's role in an organization; None when he is not an active member."""
        return None if organization_id is None else self.memberships.get(organization_id)


async def authenticate(request: Request, container: ApiContainer) -> Authenticated:
    """Return who sent a request.

    Raises:
        Unauthenticated: Nobody, or with credentials that are not valid.
        Forbidden: The CSRF check failed, or a read-only token was used to write.
        RateLimited: Too many wrong passwords.
    """
    headers = request.headers
    cookies = cookie_values(headers.get("cookie", ""))
    credential = credential_of(headers.get("authorization"), cookies.get(SESSION_COOKIE))
    if credential is None:
        raise Unauthenticated
    if credential.kind is CredentialKind.BASIC:
        found = await _with_password(request, container, credential)
    else:
        found = await _with_secret(container, credential)
    if not found.account.is_active:
        raise Unauthenticated("User inactive or deleted.")
    if request.method not in SAFE_METHODS:
        if credential.kind is CredentialKind.SESSION:
            _check_csrf(request, container, credential, cookies.get(CSRF_COOKIE))
        if found.principal.read_only_token:
            raise Forbidden("This access token may only read.", code="read_only_token")
    return found


async def _with_secret(container: ApiContainer, credential: Credential) -> Authenticated:
    row = await repository.find_by_digest(container.database, credential.kind, digest_of(credential.secret))
    if row is None:
        # A stale cookie is the same as none; a token was sent on purpose.
        raise Unauthenticated if credential.kind is CredentialKind.SESSION else Unauthenticated("Invalid token.")
    if credential.kind is CredentialKind.ACCESS_TOKEN:
        today = utc_now().date()
        if row["last_used_on"] != today:
            await repository.touch_access_token(container.database, row["credential_id"], today)
    return authenticated_of(row, credential.kind)


async def _with_password(request: Request, container: ApiContainer, credential: Credential) -> Authenticated:
    key = failure_key(request, container, credential.username)
    await container.login_failures.check(key)
    row = await repository.find_by_name(container.database, credential.username)
    stored = None if row is None else row["password_hash"]
    if not await container.passwords.verify_again(stored, credential.secret) or row is None:
        await container.login_failures.fail(key)
        raise Unauthenticated("Invalid username/password.")
    return authenticated_of(row, CredentialKind.BASIC)


def failure_key(request: Request, container: ApiContainer, username: str) -> str:
    """Return what wrong passwords are counted by: the account asked for and the address asked from."""
    return f"{container.client_address(request)} {username.casefold()}"


def account_of(row: asyncpg.Record) -> Account:
    """Return the account in a row of this feature's queries."""
    return Account(
        id=row["id"],
        username=row["username"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
        groups=tuple(row["groups"]),
        is_superuser=row["is_superuser"],
        is_staff=row["is_staff"],
        is_active=row["is_active"],
        created_at=row["created_at"],
        last_login_at=row["last_login_at"],
    )


def authenticated_of(row: asyncpg.Record, kind: CredentialKind) -> Authenticated:
    """Return what a row of this feature's queries says of the caller."""
    account = account_of(row)
    principal = Principal(
        user_id=account.id,
        username=account.username,
        privilege=privilege_of(account.groups, is_superuser=account.is_superuser, is_staff=account.is_staff),
        groups=frozenset(account.groups),
        is_superuser=account.is_superuser,
        read_only_token=kind is CredentialKind.ACCESS_TOKEN and row["is_read_only"],
    )
    ids = row["organization_ids"] or ()
    memberships = {id_: OrgRole.named(role) for id_, role in zip(ids, row["roles"] or (), strict=True)}
    organizations = dict(zip(row["slugs"] or (), ids, strict=True))
    if kind is CredentialKind.BASIC:
        return Authenticated(principal, account, memberships, organizations, kind)
    return Authenticated(principal, account, memberships, organizations, kind, row["credential_id"], row["expires_at"])


def _check_csrf(request: Request, container: ApiContainer, credential: Credential, cookie: str | None) -> None:
    own = container.origin(request)
    if own.startswith("https:"):
        origin = _origin_of(request)
        if origin != own and origin not in container.settings.trusted_origins:
            raise Forbidden(f"CSRF Failed: Origin checking failed - {origin or 'none'} is not trusted.", code="csrf")
    if not is_csrf_proof(credential.secret, cookie, request.headers.get("x-csrftoken")):
        raise Forbidden("CSRF Failed: CSRF token missing or incorrect.", code="csrf")


def _origin_of(request: Request) -> str | None:
    if origin := request.headers.get("origin"):
        return origin
    parts = urlsplit(request.headers.get("referer", ""))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
