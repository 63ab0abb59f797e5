"""SQL of functions."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.db import Row
from limner_inference.functions.tables import functions


async def list_visible(connection: AsyncConnection, organization_id: int | None) -> list[Row]:
    """Return the functions for everybody and those of an organization, by name."""
    statement = sa.select(functions).where(_visible(organization_id)).order_by(functions.c.name, functions.c.id)
    return list((await connection.execute(statement)).all())


async def find_visible(connection: AsyncConnection, function_id: str, organization_id: int | None) -> Row | None:
    """Return a function that may be seen there, or None."""
    statement = sa.select(functions).where(functions.c.id == function_id, _visible(organization_id))
    return (await connection.execute(statement)).one_or_none()


def _visible(organization_id: int | None) -> sa.ColumnElement[bool]:
    everybody = functions.c.organization_id.is_(None)
    return everybody if organization_id is None else sa.or_(everybody, functions.c.organization_id == organization_id)
