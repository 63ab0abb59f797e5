"""Moves a service's outbox to the bus, in order, and deletes what is published."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import sqlalchemy as sa
import structlog

from limner_common.bus.following import handing_over
from limner_common.bus.metrics import RELAY_INTERRUPTIONS, RELAY_PUBLISHED
from limner_common.bus.port import Bus
from limner_common.db.engine import Database
from limner_common.db.uow import OUTBOX_CHANNEL, OutgoingMessage

log = structlog.get_logger(__name__)

_BATCH = 500


async def run_relay(database: Database, bus: Bus, *, poll_seconds: float = 5.0) -> None:
    """Publish outbox rows for ever; one relay per service works at a time, others wait for its lock.

    A crash between publishing and deleting publishes again: consumers' inboxes drop the second copy.
    """
    delay = 0.2
    while True:
        try:
            await _relay_until_broken(database, bus, poll_seconds)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the relay is the last to give up: whatever broke, it tries again
            RELAY_INTERRUPTIONS.labels(database.schema).inc()
            log.warning("relay_interrupted", service=database.schema, error=repr(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)


async def _relay_until_broken(database: Database, bus: Bus, poll_seconds: float) -> None:
    connection = await database.raw_connect()
    wake = asyncio.Event()

    def heard(_connection: Any, _pid: int, _channel: str, schema: object) -> None:
        if schema == database.schema:
            wake.set()

    try:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", f"limner-relay:{database.schema}")
        await connection.add_listener(OUTBOX_CHANNEL, heard)
        while True:
            wake.clear()
            if await relay_once(database, bus) == 0:
                if connection.is_closed():
                    raise asyncpg.ConnectionDoesNotExistError("listener lost")
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), poll_seconds)
    finally:
        await connection.close(timeout=2)


async def relay_once(database: Database, bus: Bus) -> int:
    """Publish one batch of outbox rows and delete them; returns how many.

    No transaction is open meanwhile: a bus may take long to answer.
    """
    outbox = database.table("outbox")
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(outbox).order_by(outbox.c.id).limit(_BATCH))).all()
    if not rows:
        return 0
    messages = [OutgoingMessage(r.event_id, r.topic, r.key, r.payload, r.headers) for r in rows]
    with handing_over(database.schema, messages) as passed:
        await bus.publish(passed)
    RELAY_PUBLISHED.labels(database.schema).inc(len(rows))
    async with database.begin(is_long=True) as uow:
        await uow.execute(sa.delete(outbox).where(outbox.c.id.in_([r.id for r in rows])))
    return len(rows)
