"""SQL of people."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.users.accounts import Account
from limner_api.users.tables import users
from limner_common.db import Row, UnitOfWork

# Tables of other features, named by what is read of them.
memberships = sa.table(
    "memberships",
    sa.column("user_id", sa.BigInteger),
    sa.column("organization_id", sa.BigInteger),
    sa.column("is_active", sa.Boolean),
    schema="api",
)
organizations = sa.table("organizations", sa.column("slug", sa.Text), sa.column("owner_id", sa.BigInteger), schema="api")

#: What an ``Account`` is made of, by attribute.
ACCOUNT_COLUMNS = tuple(
    users.c[name]
    for name in (
        "id",
        "username",
        "first_name",
        "last_name",
        "email",
        "groups",
        "is_superuser",
        "is_staff",
        "is_active",
        "created_at",
        "last_login_at",
    )
)


def account_of(row: Row) -> Account:
    """Return the account in a row of ``ACCOUNT_COLUMNS``."""
    values = row._mapping
    return Account(
        **{column.name: values[column.name] for column in ACCOUNT_COLUMNS if column.name != "groups"},
        groups=tuple(values["groups"]),
    )


async def is_member_of_any(connection: AsyncConnection, user_id: int, organization_ids: Sequence[int]) -> bool:
    """Return whether a user is an active member of one of the organizations."""
    found = sa.exists().where(
        memberships.c.user_id == user_id,
        memberships.c.is_active,
        memberships.c.organization_id.in_(organization_ids),
    )
    return bool(await connection.scalar(sa.select(found)))


async def owned_organizations(connection: AsyncConnection, user_id: int) -> Sequence[str]:
    """Return the short names of the organizations that a user owns."""
    statement = sa.select(organizations.c.slug).where(organizations.c.owner_id == user_id)
    return (await connection.execute(statement.order_by(organizations.c.slug))).scalars().all()


async def find(connection: AsyncConnection, user_id: int) -> Account | None:
    """Return an account or None."""
    row = (await connection.execute(sa.select(*ACCOUNT_COLUMNS).where(users.c.id == user_id))).one_or_none()
    return None if row is None else account_of(row)


async def list_all(connection: AsyncConnection) -> list[Account]:
    """Return all accounts by name."""
    statement = sa.select(*ACCOUNT_COLUMNS).order_by(users.c.username)
    return [account_of(row) for row in await connection.execute(statement)]


async def is_active(connection: AsyncConnection, user_id: int) -> bool:
    """Return whether a user may sign in."""
    return bool(await connection.scalar(sa.select(users.c.is_active).where(users.c.id == user_id)))


async def find_basic(connection: AsyncConnection, user_ids: Sequence[int]) -> Sequence[sa.Row[int, str, str, str]]:
    """Return id, username, first and last name of the accounts that exist among ``user_ids``."""
    columns = (users.c.id, users.c.username, users.c.first_name, users.c.last_name)
    return (await connection.execute(sa.select(*columns).where(users.c.id.in_(user_ids)))).all()


async def find_id_by_email(connection: AsyncConnection, email: str) -> int | None:
    """Return the account of an address, whatever its case."""
    statement = sa.select(users.c.id).where(users.c.email != "", sa.func.lower(users.c.email) == email.lower())
    found: int | None = await connection.scalar(statement)
    return found


async def find_id_by_username(connection: AsyncConnection, username: str) -> int | None:
    """Return the account of that name."""
    found: int | None = await connection.scalar(sa.select(users.c.id).where(users.c.username == username))
    return found


async def password_hash_of(connection: AsyncConnection, user_id: int) -> str:
    """Return what is stored of a user's password."""
    found: str | None = await connection.scalar(sa.select(users.c.password_hash).where(users.c.id == user_id))
    return found or ""


async def has_superuser(connection: AsyncConnection) -> bool:
    """Return whether there is an active superuser."""
    statement = sa.select(sa.exists().where(users.c.is_superuser, users.c.is_active))
    return bool(await connection.scalar(statement))


async def add(uow: UnitOfWork, values: Mapping[str, Any]) -> Account:
    """Insert an account."""
    row = (await uow.execute(sa.insert(users).values(**values).returning(*ACCOUNT_COLUMNS))).one()
    return account_of(row)


async def update(uow: UnitOfWork, user_id: int, values: Mapping[str, Any]) -> Account | None:
    """Change an account; None when there is none."""
    statement = sa.update(users).where(users.c.id == user_id).values(**values).returning(*ACCOUNT_COLUMNS)
    row = (await uow.execute(statement)).one_or_none()
    return None if row is None else account_of(row)


async def remove(uow: UnitOfWork, user_id: int) -> None:
    """Delete an account; its credentials and memberships go with it."""
    await uow.execute(sa.delete(users).where(users.c.id == user_id))
