"""The first administrator of a new installation."""

from limner_api.identity.hashing import Passwords
from limner_api.users import service as users
from limner_common.db import Database


async def ensure_admin(database: Database, username: str, password: str, email: str) -> bool:
    """Make an administrator when there is no active superuser.

    Args:
        database: The service's database, migrated.
        username: Name of the new account.
        password: Its password; taken as it is, because an installation's owner chose it.
        email: Its address, or "".

    Returns:
        Whether one was made.

    Raises:
        Invalid: An account that is no superuser has this name or address.
    """
    async with database.read() as connection:
        if await users.has_superuser(connection):
            return False
    password_hash = await Passwords(1).hash(password)
    async with database.begin() as uow:
        await users.create_account(
            uow,
            {
                "username": username,
                "email": email,
                "password_hash": password_hash,
                "is_superuser": True,
                "is_staff": True,
            },
        )
    return True
