"""SQL of imports."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_annotations.transfers.tables import imports
from limner_common.clock import utc_now
from limner_common.db import UnitOfWork

_KEPT = timedelta(days=30)


async def find_import(connection: AsyncConnection, request_id: str) -> Any:
    """Return what an import did, or None when it was never finished."""
    return await connection.scalar(sa.select(imports.c.result).where(imports.c.request_id == request_id))


async def claim_import(uow: UnitOfWork, request_id: str) -> bool:
    """Enter an import; waits for another one of the same request. False when that one was finished."""
    await uow.execute(sa.delete(imports).where(imports.c.created_at < utc_now() - _KEPT))
    entered = await uow.execute(pg.insert(imports).values(request_id=request_id).on_conflict_do_nothing())
    return entered.rowcount == 1


async def finish_import(uow: UnitOfWork, request_id: str, result: Any) -> None:
    """Keep what an import did."""
    await uow.execute(sa.update(imports).where(imports.c.request_id == request_id).values(result=result))
