"""What can be done with access tokens."""

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access_tokens import repository
from limner_api.access_tokens.schemas import AccessTokenCreate, AccessTokenUpdate
from limner_api.identity.credentials import digest_of, new_access_token
from limner_common.db import Row, UnitOfWork
from limner_common.errors import Invalid, NotFound

_COLUMNS = {"name": "name", "expiry_date": "expires_at", "read_only": "is_read_only"}


async def find_token(connection: AsyncConnection, token_id: int) -> Row:
    """Return what is shown of a token.

    Raises:
        NotFound: There is none.
    """
    row = await repository.find(connection, token_id)
    if row is None:
        raise NotFound
    return row


async def create_token(uow: UnitOfWork, user_id: int, body: AccessTokenCreate, *, tokens_max: int) -> tuple[Row, str]:
    """Make a token and return it with its value, which is not kept.

    Raises:
        Invalid: The user has ``tokens_max`` already.
    """
    if await repository.lock_and_count(uow, user_id) >= tokens_max:
        raise Invalid(f"You have {tokens_max} access tokens, which is the most. Revoke one first.", code="too_many_tokens")
    value = new_access_token()
    token_id = await repository.add(
        uow,
        {
            "user_id": user_id,
            "name": body.name,
            "secret_hash": digest_of(value),
            "is_read_only": body.read_only,
            "expires_at": body.expiry_date,
        },
    )
    return await find_token(uow.connection, token_id), value


async def update_token(uow: UnitOfWork, token_id: int, body: AccessTokenUpdate) -> Row:
    """Change what was sent of a token."""
    given = body.model_dump(exclude_unset=True)
    if given:
        await repository.update(uow, token_id, {_COLUMNS[name]: value for name, value in given.items()})
    return await find_token(uow.connection, token_id)


async def revoke_token(uow: UnitOfWork, token_id: int) -> None:
    """Let a token work no more."""
    await repository.remove(uow, token_id)


async def revoke_all(uow: UnitOfWork, user_id: int) -> int:
    """Let none of a user's tokens work any more; returns how many there were."""
    return await repository.remove_all(uow, user_id)
