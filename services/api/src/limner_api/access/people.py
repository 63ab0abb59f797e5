"""People whom requests name as owners and assignees."""

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.db.engine import driver_connection
from limner_common.errors import Invalid

_EXISTS = "SELECT EXISTS (SELECT FROM api.users WHERE id = $1)"


async def check_person(connection: AsyncConnection, field: str, user_id: int | None) -> None:
    """Check that somebody has this account; None is nobody and always fine.

    Args:
        connection: Where to read.
        field: The input's field that names him.
        user_id: Account.

    Raises:
        Invalid: There is no such account.
    """
    if user_id is None:
        return
    driver = await driver_connection(connection)
    if not await driver.fetchval(_EXISTS, user_id):
        raise Invalid(fields={field: [f'Invalid pk "{user_id}" - object does not exist.']}, code="person_unknown")
