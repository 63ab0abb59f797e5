"""What can be done with invitations. The product sends no mail: only people who have an account are invited."""

import secrets

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.principals import OrgRole
from limner_api.invitations import repository
from limner_api.invitations.listing import is_expired
from limner_api.memberships.service import activate, add_member, find_membership, remove_membership
from limner_api.users.service import find_user_id_by_email
from limner_common.db import Row, UnitOfWork
from limner_common.errors import Invalid, NotFound

_KEY_BYTES = 48  # 64 characters


async def find_invitation(connection: AsyncConnection, key: str) -> Row:
    """Return what is shown of an invitation.

    Raises:
        NotFound: There is none of that key.
    """
    row = await repository.find(connection, key)
    if row is None:
        raise NotFound
    return row


async def invite(
    uow: UnitOfWork, organization_id: int, owner_id: int, email: str, role: OrgRole, *, needs_consent: bool
) -> Row:
    """Invite the user of an address.

    Args:
        uow: Unit of work.
        organization_id: Where to.
        owner_id: Who invites.
        email: Address of an account, in any case of letters.
        role: Role he is to have.
        needs_consent: Whether he has to accept; otherwise he is a member at once.

    Raises:
        Invalid: Nobody has that address, or he is a member already.
    """
    user_id = await find_user_id_by_email(uow.connection, email)
    if user_id is None:
        raise Invalid(
            fields={"email": ["Nobody with this address has an account. This server sends no mail: ask for registration."]},
            code="unknown_address",
        )
    membership_id = await add_member(uow, organization_id, user_id, role, is_active=not needs_consent)
    key = secrets.token_urlsafe(_KEY_BYTES)
    await repository.add(uow, {"key": key, "membership_id": membership_id, "owner_id": owner_id})
    return await find_invitation(uow.connection, key)


async def accept(uow: UnitOfWork, row: Row, *, lifetime_seconds: int) -> None:
    """Become a member.

    Raises:
        Invalid: He is one already, or it is too late.
    """
    _check_open(row)
    if is_expired(row, lifetime_seconds):
        raise Invalid("Your invitation is expired. Please contact organization owner to renew it.", code="expired")
    await activate(uow, row.membership_id)


async def decline(uow: UnitOfWork, row: Row) -> None:
    """Turn an invitation down, or leave if it was accepted; the invitation goes."""
    await remove_membership(uow, await find_membership(uow.connection, row.membership_id))


async def resend(uow: UnitOfWork, row: Row) -> None:
    """Let the time to accept begin anew.

    Raises:
        Invalid: It was accepted.
    """
    _check_open(row)
    await repository.renew(uow, row.key)


async def withdraw(uow: UnitOfWork, row: Row) -> None:
    """Delete an invitation, with its membership unless that has begun."""
    if row.is_active:
        await repository.remove(uow, row.key)
    else:
        await remove_membership(uow, await find_membership(uow.connection, row.membership_id))


def _check_open(row: Row) -> None:
    if row.is_active:
        raise Invalid("Your invitation is already accepted.", code="already_accepted")
