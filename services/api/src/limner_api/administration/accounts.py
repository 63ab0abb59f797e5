"""Accounts as operators see and change them.

A role is the one group that says what a person may do; an administrator is superuser and staff besides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.principals import Privilege, privilege_of
from limner_api.access_tokens import service as access_tokens
from limner_api.identity import service as identity
from limner_api.identity.hashing import Passwords
from limner_api.identity.passwords import problems_of
from limner_api.requests import service as requests
from limner_api.users import service as users
from limner_api.users.accounts import GROUPS, Account
from limner_api.users.schemas import Email, Username, UserUpdate
from limner_common.db import UnitOfWork
from limner_common.errors import Invalid, NotFound

#: From the strongest to the weakest.
ROLES = GROUPS
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an operator says of an account that is to be made."""

    username: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    role: str = "user"


@dataclass(frozen=True, slots=True)
class Ended:
    """How many credentials stopped working."""

    sessions: int
    access_tokens: int


def role_of(account: Account) -> str:
    """Return an account's role, "none" when it has no group."""
    return privilege_of(account.groups, is_superuser=account.is_superuser, is_staff=account.is_staff).name.lower()


async def list_accounts(
    connection: AsyncConnection, *, role: str | None = None, is_active: bool | None = None
) -> Sequence[Account]:
    """Return all accounts by name.

    Args:
        connection: Where to read.
        role: Only accounts with this role.
        is_active: Only accounts that may sign in, or only those that may not.
    """
    found = await users.list_accounts(connection)
    return [
        account
        for account in found
        if role in (None, role_of(account)) and (is_active is None or account.is_active is is_active)
    ]


async def hashed(passwords: Passwords, password: str, username: str) -> str:
    """Check a new password and return what is stored of it.

    Raises:
        Invalid: It is not accepted.
    """
    if problems := problems_of(password, (username,)):
        raise Invalid(" ".join(problems), code="password_refused")
    return await passwords.hash(password)


async def create(uow: UnitOfWork, new: NewAccount, password_hash: str) -> Account:
    """Make an account.

    Raises:
        Invalid: The name or address is not valid or belongs to somebody else.
    """
    values = {
        "username": _checked(_USERNAME, new.username, "username"),
        "email": _checked(_EMAIL, new.email, "email"),
        "first_name": new.first_name,
        "last_name": new.last_name,
        "password_hash": password_hash,
        "groups": [new.role],
        "is_superuser": _is_admin(new.role),
        "is_staff": _is_admin(new.role),
    }
    account = await users.create_account(uow, values)
    return await users.change_account(uow, account, _of_role(new.role))


async def disable(uow: UnitOfWork, username: str) -> Ended:
    """Let a user in no more: his sessions, tokens and open streams end, his next request is refused.

    Raises:
        NotFound: There is nobody of that name.
        Invalid: He is the last administrator.
    """
    account = await _find(uow, username)
    await users.change_account(uow, account, UserUpdate(is_active=False))
    sessions = await identity.end_credentials(uow, account.id)
    tokens = await access_tokens.revoke_all(uow, account.id)
    await requests.end_streams(uow, account.id)
    return Ended(sessions, tokens)


async def enable(uow: UnitOfWork, username: str) -> Account:
    """Let a user sign in again, with the password he had.

    Raises:
        NotFound: There is nobody of that name.
    """
    return await users.change_account(uow, await _find(uow, username), UserUpdate(is_active=True))


async def set_password(uow: UnitOfWork, username: str, password_hash: str) -> Account:
    """Replace a user's password; his sessions end.

    Raises:
        NotFound: There is nobody of that name.
    """
    account = await _find(uow, username)
    await identity.change_password(uow, account.id, password_hash, session_id=None)
    return account


async def set_role(uow: UnitOfWork, username: str, role: str) -> Account:
    """Give a user another role; it counts from his next request on.

    Raises:
        NotFound: There is nobody of that name.
        Invalid: He is the last administrator and would be none any more.
    """
    return await users.change_account(uow, await _find(uow, username), _of_role(role))


async def _find(uow: UnitOfWork, username: str) -> Account:
    account = await users.find_account_by_name(uow.connection, username)
    if account is None:
        raise NotFound(f"There is no user {username!r}. List them with: limner admin users list.", code="user_unknown")
    return account


def _of_role(role: str) -> UserUpdate:
    is_admin = _is_admin(role)
    return UserUpdate(groups=[role], is_superuser=is_admin, is_staff=is_admin)


def _is_admin(role: str) -> bool:
    return role == Privilege.ADMIN.name.lower()


def _checked(kind: TypeAdapter[str], value: str, name: str) -> str:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Invalid(fields={name: [message]}, code="field_refused") from error
