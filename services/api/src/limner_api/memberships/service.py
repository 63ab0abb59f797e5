"""What can be done with memberships."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.principals import OrgRole
from limner_api.memberships import repository
from limner_common.clock import utc_now
from limner_common.db import Row, UnitOfWork
from limner_common.errors import Invalid, NotFound

_ALREADY = "The user is a member of the organization already."


async def find_membership(connection: AsyncConnection, membership_id: int) -> Row:
    """Return what is shown of a membership.

    Raises:
        NotFound: There is none.
    """
    row = await repository.find(connection, membership_id)
    if row is None:
        raise NotFound
    return row


async def add_owner(uow: UnitOfWork, organization_id: int, user_id: int) -> None:
    """Make the user the owner of a new organization."""
    await add_member(uow, organization_id, user_id, OrgRole.OWNER, is_active=True)


async def add_member(uow: UnitOfWork, organization_id: int, user_id: int, role: OrgRole, *, is_active: bool) -> int:
    """Make a membership and return its id; one that is not active waits for consent.

    Raises:
        Invalid: The user has one already, active or not.
    """
    values = {
        "organization_id": organization_id,
        "user_id": user_id,
        "role": role.label,
        "is_active": is_active,
        "joined_at": utc_now() if is_active else None,
    }
    if await repository.exists(uow.connection, organization_id, user_id):
        raise _already()
    try:
        return await repository.add(uow, values)
    except IntegrityError as error:
        raise _already() from error


async def activate(uow: UnitOfWork, membership_id: int) -> None:
    """Let a membership begin."""
    await repository.update(uow, membership_id, {"is_active": True, "joined_at": utc_now()})


async def change_role(uow: UnitOfWork, membership: Row, role: OrgRole) -> Row:
    """Give a member another role.

    Raises:
        Invalid: He is the owner, or would be a second one; not even administrators may do that.
    """
    if OrgRole.OWNER in (role, OrgRole.named(membership.role)):
        raise Invalid(fields={"role": ["An organization has exactly one owner."]}, code="owner_is_fixed")
    await repository.update(uow, membership.id, {"role": role.label})
    return await find_membership(uow.connection, membership.id)


async def remove_membership(uow: UnitOfWork, membership: Row) -> None:
    """Remove a member, and the invitation he came by.

    Raises:
        Invalid: He is the owner.
    """
    if membership.role == OrgRole.OWNER.label:
        raise Invalid("The owner cannot leave the organization; delete it instead.", code="owner_is_fixed")
    await repository.remove(uow, membership.id)


def _already() -> Invalid:
    return Invalid(fields={"email": [_ALREADY]}, code="already_member")
