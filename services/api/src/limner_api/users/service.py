"""What can be done with accounts."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.organization_policies import UserAction
from limner_api.access.policies import decide, require
from limner_api.access.principals import ObjectFacts, Principal, Relation
from limner_api.users import repository
from limner_api.users.accounts import Account, basic_user, groups_of_new_account
from limner_api.users.schemas import UserUpdate
from limner_common.clock import utc_now
from limner_common.db import UnitOfWork
from limner_common.errors import Invalid, NotFound

#: What people may change of their own accounts.
OWN_FIELDS = frozenset({"username", "first_name", "last_name"})

_USERNAME_TAKEN = "A user with that username already exists."
_EMAIL_TAKEN = "A user is already registered with this e-mail address."


async def create_account(uow: UnitOfWork, values: Mapping[str, Any]) -> Account:
    """Make an account; it is in the group ``user``, or ``admin`` when it is a superuser and staff.

    Args:
        uow: Unit of work.
        values: Columns of ``users``; ``username`` and ``password_hash`` at least.

    Raises:
        Invalid: The username or the address belongs to somebody else.
    """
    await check_free(uow.connection, username=values["username"], email=values.get("email", ""))
    groups = groups_of_new_account(
        tuple(values.get("groups", ())),
        is_superuser=values.get("is_superuser", False),
        is_staff=values.get("is_staff", False),
    )
    try:
        return await repository.add(uow, {**values, "groups": list(groups)})
    except IntegrityError as error:
        raise taken(error) from error


async def check_free(connection: AsyncConnection, *, username: str | None = None, email: str = "") -> None:
    """Check that nobody has this username or address.

    Raises:
        Invalid: Somebody has; says which.
    """
    fields = {}
    if username is not None and await repository.find_id_by_username(connection, username) is not None:
        fields["username"] = [_USERNAME_TAKEN]
    if email and await repository.find_id_by_email(connection, email) is not None:
        fields["email"] = [_EMAIL_TAKEN]
    if fields:
        raise Invalid(fields=fields, code="account_taken")


def taken(error: IntegrityError) -> Invalid:
    """Return the error for a name or address that somebody else took at the same moment."""
    if "uq_users_email_lower" in str(error.orig):
        return Invalid(fields={"email": [_EMAIL_TAKEN]}, code="account_taken")
    return Invalid(fields={"username": [_USERNAME_TAKEN]}, code="account_taken")


async def note_login(uow: UnitOfWork, user_id: int, *, password_hash: str | None = None) -> None:
    """Remember when a user logged in last, and a newer hash of his password when there is one."""
    values: dict[str, Any] = {"last_login_at": utc_now()}
    if password_hash is not None:
        values["password_hash"] = password_hash
    await repository.update(uow, user_id, values)


async def set_password_hash(uow: UnitOfWork, user_id: int, password_hash: str) -> None:
    """Replace what is stored of a password."""
    await repository.update(uow, user_id, {"password_hash": password_hash})


async def password_hash_of(connection: AsyncConnection, user_id: int) -> str:
    """Return what is stored of a user's password; "" when he has none."""
    return await repository.password_hash_of(connection, user_id)


async def find_account(connection: AsyncConnection, user_id: int) -> Account | None:
    """Return an account or None."""
    return await repository.find(connection, user_id)


async def find_account_by_name(connection: AsyncConnection, username: str) -> Account | None:
    """Return the account of that name or None."""
    user_id = await repository.find_id_by_username(connection, username)
    return None if user_id is None else await repository.find(connection, user_id)


async def list_accounts(connection: AsyncConnection) -> Sequence[Account]:
    """Return all accounts by name."""
    return await repository.list_all(connection)


async def find_user_id_by_email(connection: AsyncConnection, email: str) -> int | None:
    """Return the account of an address, whatever its case; None when there is none."""
    return await repository.find_id_by_email(connection, email)


async def has_superuser(connection: AsyncConnection) -> bool:
    """Return whether there is an active superuser."""
    return await repository.has_superuser(connection)


async def is_active(connection: AsyncConnection, user_id: int) -> bool:
    """Return whether a user may sign in; False when there is none."""
    return await repository.is_active(connection, user_id)


async def update_account(uow: UnitOfWork, principal: Principal, user_id: int, update: UserUpdate) -> Account:
    """Change an account.

    Args:
        uow: Unit of work.
        principal: Who asks; people change names of their own, administrators everything of everybody.
        user_id: Whose account.
        update: What was sent.

    Raises:
        NotFound: There is no such account.
        Forbidden: It is somebody else's.
        Invalid: Only administrators may change these, the name or address is taken, or no administrator would be left.
    """
    account = await repository.find(uow.connection, user_id)
    if account is None:
        raise NotFound
    require(principal, UserAction.UPDATE, facts_of(principal, user_id))
    if not decide(principal, UserAction.UPDATE_FLAGS, facts_of(principal, user_id)):
        _check_own_fields(update.model_fields_set)
    return await change_account(uow, account, update)


async def change_account(uow: UnitOfWork, account: Account, update: UserUpdate) -> Account:
    """Change an account of whoever it is; who may do so was decided before.

    Raises:
        Invalid: The name or address is taken, or no administrator would be left.
    """
    given = update.known()
    username, email = given.get("username", account.username), given.get("email", account.email)
    await check_free(
        uow.connection,
        username=username if username != account.username else None,
        email=email if email.lower() != account.email.lower() else "",
    )
    if not given:
        return account
    try:
        changed = await repository.update(uow, account.id, given)
    except IntegrityError as error:
        raise taken(error) from error
    assert changed is not None  # read in the same transaction
    await _check_administrator_left(uow, account)
    return changed


async def delete_account(uow: UnitOfWork, principal: Principal, user_id: int) -> None:
    """Delete an account with its credentials and memberships; what it made stays, without an owner.

    Raises:
        NotFound: There is no such account.
        Forbidden: It is somebody else's.
        Invalid: It owns organizations, or no administrator would be left.
    """
    account = await repository.find(uow.connection, user_id)
    if account is None:
        raise NotFound
    require(principal, UserAction.DELETE, facts_of(principal, user_id))
    if slugs := await repository.owned_organizations(uow.connection, user_id):
        raise Invalid(f"Delete the organizations of this user first: {', '.join(slugs)}.", code="user_owns_organizations")
    await repository.remove(uow, user_id)
    await _check_administrator_left(uow, account)


def facts_of(principal: Principal, user_id: int) -> ObjectFacts:
    """Return what the policies know of an account, except fellow membership."""
    return ObjectFacts(relations=frozenset({Relation.SELF} if principal.user_id == user_id else ()))


async def view_facts(connection: AsyncConnection, principal: Principal, user_id: int, fellows: Sequence[int]) -> ObjectFacts:
    """Return what the policies know of an account when it is looked at.

    Args:
        connection: Where to read.
        principal: Who asks.
        user_id: Whose account.
        fellows: Organizations the caller is an active member of.
    """
    facts = facts_of(principal, user_id)
    if facts.relations or not fellows or not await repository.is_member_of_any(connection, user_id, fellows):
        return facts
    return ObjectFacts(relations=frozenset({Relation.FELLOW_MEMBER}))


def _check_own_fields(names: Set[str]) -> None:
    if refused := sorted(names - OWN_FIELDS):
        listed = ", ".join(map(repr, refused))
        message = f"You do not have permissions to access some of these fields: {{{listed}}}"
        raise Invalid(fields={"non_field_errors": [message]}, code="fields_refused")


async def _check_administrator_left(uow: UnitOfWork, before: Account) -> None:
    if before.is_superuser and not await repository.has_superuser(uow.connection):
        raise Invalid("This is the last administrator; make another one first.", code="last_administrator")


async def basic_users(
    connection: AsyncConnection, user_ids: Iterable[int | None], base_url: str
) -> dict[int, dict[str, Any]]:
    """Return the basic forms of accounts by id, as owners and assignees are shown: one query for a whole page.

    Args:
        connection: Where to read.
        user_ids: Ids in any number and order; None and unknown ones are left out of the answer.
        base_url: Scheme and host as the client sees us.
    """
    wanted = sorted({user_id for user_id in user_ids if user_id is not None})
    if not wanted:
        return {}
    rows = await repository.find_basic(connection, wanted)
    return {row.id: basic_user(base_url, row.id, row.username, row.first_name, row.last_name) for row in rows}
