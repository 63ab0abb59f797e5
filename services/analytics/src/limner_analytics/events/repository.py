"""SQL of events."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql as pg

from limner_analytics.events.tables import events
from limner_common.db import UnitOfWork


async def store(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store events, leaving out those that are there already."""
    if rows:
        await uow.execute(pg.insert(events).on_conflict_do_nothing(), [dict(row) for row in rows])
