"""One request or message is one unit of work: a transaction, the facts recorded in it, and what follows its commit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_common.signals.port import Signal, Signals

OUTBOX_CHANNEL = "limner_outbox"
WORK_CHANNEL = "limner_work"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A fact on its way to the bus. ``key`` is the id of the aggregate whose order matters; payload is protobuf."""

    event_id: UUID
    topic: str
    key: str
    payload: bytes
    headers: dict[str, str]


class UnitOfWork:
    """The transaction that services and repositories work in. Only the edge that opened it commits."""

    def __init__(self, connection: AsyncConnection, metadata: sa.MetaData, signals: Signals) -> None:
        self.connection = connection
        self._metadata = metadata
        self._carrier = signals
        self._messages: list[OutgoingMessage] = []
        self._signals: set[Signal] = set()
        self._after_commit: list[Callable[[], Awaitable[None]]] = []

    def table(self, name: str) -> sa.Table:
        """Return one of the service's tables by its bare name."""
        return self._metadata.tables[f"{self._metadata.schema}.{name}"]

    async def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        """Execute a Core statement; a list of parameters runs it once per entry, batched."""
        return await self.connection.execute(statement, parameters)

    async def scalar(self, statement: sa.Executable, parameters: Any = None) -> Any:
        """Return the first column of the first row, or None."""
        return await self.connection.scalar(statement, parameters)

    def record(self, message: OutgoingMessage) -> None:
        """Remember a fact; it reaches the outbox in this transaction and the bus after it."""
        self._messages.append(message)

    def notify(self, channel: str, text: str | None = None) -> None:
        """Wake listeners of a channel when, and only when, the transaction commits; see ``Signals``.

        Args:
            channel: Who should hear it.
            text: What about; the service's schema when None.
        """
        self._signals.add(Signal(channel, self._metadata.schema or "" if text is None else text))

    def after_commit(self, action: Callable[[], Awaitable[None]]) -> None:
        """Run ``action`` once the transaction has committed; for caches and local wake-ups, never for effects."""
        self._after_commit.append(action)

    async def seen(self, consumer: str, event_id: UUID) -> bool:
        """Enter an event into the inbox; True when its effect was committed before."""
        inbox = self.table("inbox")
        inserted = await self.execute(pg.insert(inbox).values(consumer=consumer, event_id=event_id).on_conflict_do_nothing())
        return inserted.rowcount == 0

    async def flush(self) -> None:
        """Write recorded facts and notifications; called by the edge just before the commit."""
        if self._messages:
            rows = [
                {"event_id": m.event_id, "topic": m.topic, "key": m.key, "payload": m.payload, "headers": m.headers}
                for m in self._messages
            ]
            await self.execute(sa.insert(self.table("outbox")), rows)
            self._messages.clear()
            # The relay sits at this very database, so this one never goes another way.
            await self.execute(sa.select(sa.func.pg_notify(OUTBOX_CHANNEL, self._metadata.schema)))
        await self._carrier.send(self, sorted(self._signals))
        self._signals.clear()

    async def run_after_commit(self) -> None:
        """Run what was asked to follow the commit."""
        for action in self._after_commit:
            await action()
