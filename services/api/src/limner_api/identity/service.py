"""Logging in and out, making accounts, changing and resetting passwords.

Hashing takes tens of milliseconds and waits for a slot, so no connection is held meanwhile: functions that hash take the
database and come before the unit of work; functions that write take the unit of work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from limner_api.identity import repository
from limner_api.identity.authentication import account_of
from limner_api.identity.credentials import (
    csrf_token_of,
    digest_of,
    new_login_key,
    new_reset_token,
    new_session_secret,
)
from limner_api.identity.hashing import Passwords
from limner_api.identity.passwords import problems_of
from limner_api.settings import ApiSettings
from limner_api.users import service as users
from limner_api.users.accounts import Account
from limner_common.clock import utc_now
from limner_common.db import Database, UnitOfWork
from limner_common.errors import Invalid

_WRONG = "Unable to log in with provided credentials."
_MISMATCH = "The two password fields didn't match."
_OLD_WRONG = "Your old password was entered incorrectly. Please enter it again."


@dataclass(frozen=True, slots=True)
class Login:
    """A login that has begun: the secrets are here and nowhere else."""

    key: str
    session_secret: str
    csrf_token: str

    def __repr__(self) -> str:
        return "Login()"


@dataclass(frozen=True, slots=True)
class KnownUser:
    """Whose password was right. ``new_hash`` replaces a stored hash of an older kind."""

    account: Account
    new_hash: str | None


async def check_password(database: Database, passwords: Passwords, name: str, password: str) -> KnownUser:
    """Return the user of that name or address, if the password is his.

    Raises:
        Invalid: It is not, or there is nobody of that name; both look and take the same.
    """
    row = await repository.find_by_name(database, name)
    stored: str | None = None if row is None else row["password_hash"]
    if not await passwords.verify(stored, password) or row is None or stored is None or not row["is_active"]:
        raise Invalid(fields={"non_field_errors": [_WRONG]}, code="wrong_credentials")
    new_hash = await passwords.hash(password) if passwords.needs_rehash(stored) else None
    return KnownUser(account_of(row), new_hash)


async def begin_session(uow: UnitOfWork, settings: ApiSettings, user: KnownUser, *, has_cookies: bool = True) -> Login:
    """Begin a session; the user's expired and surplus ones are removed.

    Args:
        uow: Unit of work.
        settings: Says how long it lives and how many a user may have.
        user: Whose.
        has_cookies: False when only the key is handed out.
    """
    user_id = user.account.id
    secret, key = new_session_secret(), new_login_key()
    await repository.add_session(
        uow,
        user_id,
        cookie_hash=digest_of(secret) if has_cookies else None,
        token_hash=digest_of(key),
        expires_at=utc_now() + timedelta(seconds=settings.session_seconds),
    )
    await repository.prune_sessions(uow, user_id, keep=settings.sessions_per_user_max)
    await users.note_login(uow, user_id, password_hash=user.new_hash)
    return Login(key, secret, csrf_token_of(secret))


async def extend_session(uow: UnitOfWork, settings: ApiSettings, session_id: int) -> None:
    """Let a session live for another whole lifetime."""
    await repository.extend_session(uow, session_id, utc_now() + timedelta(seconds=settings.session_seconds))


async def end_session(uow: UnitOfWork, secret: str) -> None:
    """End the session of a cookie or login key; nothing happens when there is none."""
    await repository.remove_session(uow, digest_of(secret))


async def prepare_account(
    database: Database, passwords: Passwords, values: Mapping[str, Any], password: str, repeated: str
) -> dict[str, Any]:
    """Check what a person entered to register and return the columns of his account.

    Raises:
        Invalid: The name or address is taken, or the password is not accepted.
    """
    check_new_password(password, repeated, (values["username"],), field="password1")
    async with database.read() as connection:
        await users.check_free(connection, username=values["username"], email=values.get("email", ""))
    return {**values, "password_hash": await passwords.hash(password)}


def check_new_password(password: str, repeated: str, personal: Sequence[str], *, field: str) -> None:
    """Check a chosen password and its repetition.

    Args:
        password: What was chosen.
        repeated: The same again.
        personal: Words about the person that the password must not be.
        field: Input field that messages about the password belong to.

    Raises:
        Invalid: They differ, or the password is not accepted.
    """
    if password != repeated:
        raise Invalid(fields={"non_field_errors": [_MISMATCH]}, code="password_mismatch")
    if problems := problems_of(password, personal):
        raise Invalid(fields={field: problems}, code="password_refused")


async def check_old_password(database: Database, passwords: Passwords, user_id: int, old: str) -> None:
    """Check the present password of a user who is signed in.

    Raises:
        Invalid: It is another.
    """
    async with database.read() as connection:
        stored = await users.password_hash_of(connection, user_id)
    if not await passwords.verify(stored, old):
        raise Invalid(fields={"old_password": [_OLD_WRONG]}, code="wrong_password")


async def change_password(uow: UnitOfWork, user_id: int, password_hash: str, *, session_id: int | None) -> None:
    """Replace a user's password; all his sessions end, but ``session_id``."""
    await users.set_password_hash(uow, user_id, password_hash)
    await repository.remove_sessions_of(uow, user_id, but=session_id)


async def end_credentials(uow: UnitOfWork, user_id: int) -> int:
    """End all sessions of a user and what could reset his password; returns how many sessions there were."""
    await repository.remove_password_resets_of(uow, user_id)
    return await repository.remove_sessions_of(uow, user_id)


async def create_password_reset(uow: UnitOfWork, settings: ApiSettings, user_id: int) -> str:
    """Make a token that resets a user's password once; it replaces earlier ones. Only its digest is kept.

    There is no mail backend: whoever calls this shows the token to an administrator, who hands it on.
    """
    token = new_reset_token()
    expires_at = utc_now() + timedelta(seconds=settings.password_reset_seconds)
    await repository.add_password_reset(uow, user_id, digest_of(token), expires_at)
    return token


async def find_reset_account(database: Database, uid: str, token: str) -> Account:
    """Return the account that a reset token belongs to.

    Raises:
        Invalid: The token is unknown, used or expired.
    """
    user_id = int(uid) if uid.isascii() and uid.isdigit() and len(uid) < 10 else 0
    async with database.read() as connection:
        is_known = await repository.has_password_reset(connection, user_id, digest_of(token))
        account = await users.find_account(connection, user_id) if is_known else None
    if account is None:
        raise _invalid_reset()
    return account


async def reset_password(uow: UnitOfWork, user_id: int, token: str, password_hash: str) -> None:
    """Set a new password with a reset token, which is used up; all sessions of the user end.

    Raises:
        Invalid: The token was used or ran out meanwhile.
    """
    if not await repository.take_password_reset(uow, user_id, digest_of(token)):
        raise _invalid_reset()
    await change_password(uow, user_id, password_hash, session_id=None)


def _invalid_reset() -> Invalid:
    return Invalid(fields={"token": ["Invalid value"]}, code="reset_token_invalid")
