"""What can be done with organizations."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.memberships.service import add_owner
from limner_api.organizations import repository
from limner_common.db import Row, UnitOfWork
from limner_common.errors import Invalid, NotFound

_SLUG_TAKEN = "organization with this slug already exists."

#: Deletes what one feature keeps for an organization, in the same unit of work.
Cleanup = Callable[[UnitOfWork, int], Awaitable[None]]


async def find_organization(connection: AsyncConnection, organization_id: int) -> Row:
    """Return what is shown of an organization.

    Raises:
        NotFound: There is none.
    """
    row = await repository.find(connection, organization_id)
    if row is None:
        raise NotFound
    return row


async def create_organization(uow: UnitOfWork, owner_id: int, values: Mapping[str, Any]) -> Row:
    """Make an organization; whoever makes it owns it and is its first member.

    Raises:
        Invalid: The slug is taken.
    """
    await _check_slug_free(uow.connection, values["slug"])
    named = {**values, "name": values["name"] or values["slug"], "owner_id": owner_id}
    try:
        organization_id = await repository.add(uow, named)
    except IntegrityError as error:
        raise _taken() from error
    await add_owner(uow, organization_id, owner_id)
    return await find_organization(uow.connection, organization_id)


async def update_organization(uow: UnitOfWork, before: Row, values: Mapping[str, Any]) -> Row:
    """Change an organization.

    Raises:
        Invalid: The new slug is taken.
    """
    if "slug" in values and values["slug"] != before.slug:
        await _check_slug_free(uow.connection, values["slug"])
    if not values:
        return before
    try:
        await repository.update(uow, before.id, values)
    except IntegrityError as error:
        raise _taken() from error
    return await find_organization(uow.connection, before.id)


async def delete_organization(uow: UnitOfWork, organization_id: int, cleanups: Sequence[Cleanup]) -> None:
    """Delete an organization with everything in it.

    Args:
        uow: Unit of work.
        organization_id: Which; it exists.
        cleanups: What features keep for organizations goes first, in this order.
    """
    for cleanup in cleanups:
        await cleanup(uow, organization_id)
    await repository.remove(uow, organization_id)


async def _check_slug_free(connection: AsyncConnection, slug: str) -> None:
    if await repository.has_slug(connection, slug):
        raise _taken()


def _taken() -> Invalid:
    return Invalid(fields={"slug": [_SLUG_TAKEN]}, code="slug_taken")
