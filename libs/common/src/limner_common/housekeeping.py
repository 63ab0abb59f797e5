"""Removes what only had to be remembered for a while: ended work, the inbox's memory of events."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa
import structlog

from limner_common.clock import utc_now
from limner_common.db.engine import Database
from limner_common.errors import DomainError
from limner_common.work.queue import WorkState

log = structlog.get_logger(__name__)

#: Longer than a bus keeps messages: a second delivery of an event that was forgotten here cannot come.
INBOX_KEPT = timedelta(days=14)
#: Ended work stays long enough to be looked into.
WORK_KEPT = timedelta(days=14)
_INTERVAL_SECONDS = 3600.0


async def run_housekeeping(database: Database) -> None:
    """Tidy a service's schema every hour, for ever; several processes may do so."""
    while True:
        try:
            await tidy(database)
        except DomainError as error:
            log.warning("housekeeping_failed", service=database.schema, error=error.message)
        await asyncio.sleep(_INTERVAL_SECONDS)


async def tidy(database: Database) -> None:
    """Remove ended work items and inbox entries that are old enough."""
    items, inbox = database.table("work_items"), database.table("inbox")
    ended = items.c.state.in_([WorkState.DONE, WorkState.FAILED, WorkState.CANCELLED])
    async with database.begin(is_long=True) as uow:
        await uow.execute(sa.delete(items).where(ended, items.c.finished_at < utc_now() - WORK_KEPT))
        await uow.execute(sa.delete(inbox).where(inbox.c.processed_at < utc_now() - INBOX_KEPT))
