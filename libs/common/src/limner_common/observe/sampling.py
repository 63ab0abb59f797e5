"""Samples what only the engines know of a service: its outbox, its queue, how far its consumers are behind.

All of it is read through indexes and counted up to a bound, over a connection of its own: the pool may be exhausted exactly
when somebody looks here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from limner_common.bus import metrics as bus_metrics
from limner_common.bus.port import Bus
from limner_common.db import metrics as db_metrics
from limner_common.db.engine import Database
from limner_common.work import metrics as work_metrics

#: Counting stops here; a longer queue is as alarming.
COUNTED_MAX: Final = 100_000

_OUTBOX: Final = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM "{schema}".outbox LIMIT $1) AS counted),
       coalesce((SELECT extract(epoch FROM now() - recorded_at) FROM "{schema}".outbox ORDER BY id LIMIT 1), 0)::float8
"""
_WORK: Final = """
SELECT kind, state, count(*) AS items, max(attempts) AS attempts,
       coalesce(max(extract(epoch FROM now() - run_at)) FILTER (WHERE state = 'queued'), 0)::float8 AS age
FROM (SELECT kind, state, attempts, run_at FROM "{schema}".work_items
      WHERE state IN ('queued', 'running') ORDER BY run_at LIMIT $1) AS counted
GROUP BY kind, state
"""
_OF_OUTBOX: Final = (bus_metrics.OUTBOX_MESSAGES, bus_metrics.OUTBOX_AGE_SECONDS)
_OF_WORK: Final = (work_metrics.ITEMS, work_metrics.OLDEST_AGE_SECONDS, work_metrics.ATTEMPTS_MAX)


@dataclass(frozen=True, slots=True)
class Sampled:
    """A service of this process.

    Attributes:
        database: Its schema.
        kinds: Kinds of work it knows.
        groups: Topics of each of its consumer groups.
    """

    database: Database
    kinds: Collection[str] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The service's name."""
        return self.database.schema


async def sample_database(service: Sampled) -> None:
    """Set the gauges of a service's outbox and queue.

    Raises:
        OSError, asyncpg.PostgresError: The database is away.
    """
    connection = await service.database.raw_connect()
    try:
        await _sample_outbox(connection, service.name)
        if service.kinds:
            await _sample_work(connection, service)
    finally:
        await connection.close(timeout=1)


def forget_database(service: Sampled) -> None:
    """Take back what was sampled: an old number would look like a present one."""
    for gauge in (*_OF_OUTBOX, *_OF_WORK):
        gauge.remove_by_labels({"service": service.name})


async def sample_bus(bus: Bus, groups: Mapping[str, Sequence[str]]) -> None:
    """Set the gauges of consumer groups.

    Raises:
        Unavailable: The bus is away.
    """
    for (group, topic), messages in (await bus.lags(groups)).items():
        bus_metrics.LAG_MESSAGES.labels(group, topic).set(messages)


async def sample_dead_letters(bus: Bus, groups: Mapping[str, Sequence[str]]) -> None:
    """Set the gauges of what groups have set aside; a broker has to look through them, so not for every page.

    Raises:
        Unavailable: The bus is away.
    """
    counts = await bus.dead_letters.counts()
    for group in groups:
        bus_metrics.DEAD_LETTERS.labels(group).set(counts.get(group, 0))


def forget_bus() -> None:
    """Take back what was sampled of all groups."""
    bus_metrics.LAG_MESSAGES.clear()
    bus_metrics.DEAD_LETTERS.clear()


def sample_pool(database: Database) -> None:
    """Set the gauges of a service's connection pool; asks nobody."""
    usage = database.pool_usage()
    db_metrics.POOL_SIZE.labels(database.schema).set(usage.size)
    db_metrics.POOL_IN_USE.labels(database.schema).set(usage.in_use)


async def _sample_outbox(connection: "asyncpg.Connection[Any]", name: str) -> None:
    count, age = await connection.fetchrow(_OUTBOX.format(schema=name), COUNTED_MAX)
    bus_metrics.OUTBOX_MESSAGES.labels(name).set(count)
    bus_metrics.OUTBOX_AGE_SECONDS.labels(name).set(age)


async def _sample_work(connection: "asyncpg.Connection[Any]", service: Sampled) -> None:
    name = service.name
    rows = await connection.fetch(_WORK.format(schema=name), COUNTED_MAX)
    found = {(row["kind"], row["state"]): row for row in rows}
    for kind in service.kinds:
        queued, running = found.get((kind, "queued")), found.get((kind, "running"))
        work_metrics.ITEMS.labels(name, kind, "queued").set(queued["items"] if queued else 0)
        work_metrics.ITEMS.labels(name, kind, "running").set(running["items"] if running else 0)
        work_metrics.OLDEST_AGE_SECONDS.labels(name, kind).set(max(0.0, queued["age"]) if queued else 0)
        work_metrics.ATTEMPTS_MAX.labels(name, kind).set(
            max((row["attempts"] for row in (queued, running) if row), default=0)
        )
