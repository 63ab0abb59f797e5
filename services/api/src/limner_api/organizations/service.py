"""What can be done with organizations."""

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.organizations import repository


async def find_organization_id(
    connection: AsyncConnection, *, slug: str | None = None, organization_id: int | None = None
) -> int | None:
    """Return the id of the organization of that slug or id; None when there is none."""
    return await repository.find_id(connection, slug=slug, organization_id=organization_id)
