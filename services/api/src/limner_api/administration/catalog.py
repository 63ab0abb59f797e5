"""The catalog as a whole, for reports on storage and the search for what is left over."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.administration import repository
from limner_api.administration.repository import CatalogEntry

__all__ = ["CatalogEntry", "existing_tasks", "list_entries"]


def list_entries(connection: AsyncConnection) -> AsyncIterator[CatalogEntry]:
    """Yield all tasks, then all projects; the connection must be in a transaction."""
    return repository.entries(connection)


async def existing_tasks(connection: AsyncConnection, task_ids: Sequence[int]) -> set[int]:
    """Return which of these tasks are there. A task that is not will never be: ids are not used again."""
    return await repository.existing_tasks(connection, task_ids)
