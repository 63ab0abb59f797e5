"""The queue of one service: what can be said of items inside a unit of work.

Every change of an item calls the service's observer in the same transaction, so that what others hear of the work
(a request's progress, say) can never differ from what happened.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_common.db.engine import Row
from limner_common.db.tables import IS_ACTIVE
from limner_common.db.uow import WORK_CHANNEL, UnitOfWork
from limner_common.errors import Conflict, NotFound
from limner_common.observe.context import kept

#: Where an item keeps what request it came of, beside what its handler reads.
_CARRIED = "carried"
_BACKOFF_BASE_SECONDS = 2.0
_BACKOFF_LIMIT_SECONDS = 300.0
#: The database's clock, the only one that all workers share: by its own, one that is ahead would take what others are doing.
_NOW = sa.func.clock_timestamp()


class WorkState(StrEnum):
    """Where an item stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A piece of work as stored. ``progress`` is 0..1, ``message`` is for people."""

    id: str
    kind: str
    state: WorkState
    payload: Mapping[str, Any]
    owner: str
    attempts: int
    max_attempts: int
    progress: float
    message: str
    result: Mapping[str, Any] | None
    is_cancel_requested: bool
    lease_token: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def carried(self) -> Mapping[str, str]:
        """Headers that say what request it came of."""
        headers: Mapping[str, str] = self.payload.get(_CARRIED, {})
        return headers


#: Called in the transaction of every change: queued, started, progressed, finished, failed, cancelled.
Observer = Callable[[UnitOfWork, WorkItem], Awaitable[None]]


async def _ignore(_uow: UnitOfWork, _item: WorkItem) -> None:
    """The observer of a service that tells nobody."""


class WorkQueue:
    """Commands on a service's items. Holds no connection: every call says which unit of work it belongs to."""

    def __init__(self, observer: Observer = _ignore) -> None:
        self._observer = observer

    async def enqueue(
        self,
        uow: UnitOfWork,
        *,
        item_id: str,
        kind: str,
        payload: Mapping[str, Any],
        owner: str = "",
        dedupe_key: str | None = None,
        max_attempts: int = 4,
    ) -> WorkItem:
        """Add an item; workers hear of it when the transaction commits.

        Raises:
            Conflict: An item with the same ``dedupe_key`` is queued or running.
        """
        table = uow.table("work_items")
        statement = (
            pg.insert(table)
            .values(
                id=item_id,
                kind=kind,
                state=WorkState.QUEUED,
                payload={**payload, _CARRIED: kept()},
                owner=owner,
                dedupe_key=dedupe_key,
                max_attempts=max_attempts,
            )
            .on_conflict_do_nothing(index_elements=[table.c.dedupe_key], index_where=IS_ACTIVE)
            .returning(table)
        )
        row = (await uow.execute(statement)).one_or_none()
        if row is None:
            raise Conflict("The same operation is already in progress.", code="already_in_progress")
        item = _item(row)
        await self._observer(uow, item)
        uow.notify(WORK_CHANNEL)
        return item

    async def get(self, uow: UnitOfWork, item_id: str) -> WorkItem | None:
        """Return an item or None."""
        table = uow.table("work_items")
        row = (await uow.execute(sa.select(table).where(table.c.id == item_id))).one_or_none()
        return None if row is None else _item(row)

    async def request_cancel(self, uow: UnitOfWork, item_id: str) -> WorkItem | None:
        """Cancel a queued item at once; ask a running one to stop at its next check. None when unknown."""
        table = uow.table("work_items")
        is_queued = table.c.state == WorkState.QUEUED
        statement = (
            sa.update(table)
            .where(table.c.id == item_id, table.c.state.in_([WorkState.QUEUED, WorkState.RUNNING]))
            .values(
                is_cancel_requested=True,
                state=sa.case((is_queued, WorkState.CANCELLED), else_=table.c.state),
                finished_at=sa.case((is_queued, _NOW), else_=None),
            )
            .returning(table)
        )
        row = (await uow.execute(statement)).one_or_none()
        if row is None:
            return await self.get(uow, item_id)
        item = _item(row)
        if item.state is WorkState.CANCELLED:
            await self._observer(uow, item)
        return item

    async def requeue(self, uow: UnitOfWork, item_id: str) -> WorkItem:
        """Let an item be done from the beginning, with all its attempts: one that failed, was cancelled, waits, or hangs.

        A worker that still has it can do no harm: its lease is gone.

        Raises:
            NotFound: There is no such item.
            Conflict: It is done, or the same operation is in progress as another item.
        """
        table = uow.table("work_items")
        statement = (
            sa.update(table)
            .where(table.c.id == item_id, table.c.state != WorkState.DONE)
            .values(
                state=WorkState.QUEUED,
                attempts=0,
                run_at=_NOW,
                lease_until=None,
                lease_token=None,
                is_cancel_requested=False,
                progress=0.0,
                message="",
                result=None,
                started_at=None,
                finished_at=None,
            )
            .returning(table)
        )
        try:
            row = (await uow.execute(statement)).one_or_none()
        except sa.exc.IntegrityError as error:
            raise Conflict("The same operation is already in progress.", code="already_in_progress") from error
        if row is None:
            if await self.get(uow, item_id) is None:
                raise NotFound(f"There is no work {item_id}.", code="work_unknown")
            raise Conflict(f"{item_id} is done.", code="work_done")
        item = _item(row)
        await self._observer(uow, item)
        uow.notify(WORK_CHANNEL)
        return item

    async def claim(self, uow: UnitOfWork, *, kinds: list[str], lease_seconds: float, token: UUID) -> WorkItem | None:
        """Take the next item: ready ones, and running ones whose lease ran out; None when there is nothing.

        Fair share: owners with fewer running items go first, then the older item. A claim is one attempt.
        """
        table = uow.table("work_items")
        busy = (
            sa.select(sa.func.count())
            .select_from(table.alias("other"))
            .where(
                sa.literal_column("other.owner") == table.c.owner,
                sa.literal_column("other.state") == WorkState.RUNNING.value,
            )
            .scalar_subquery()
        )
        ready = sa.and_(table.c.state == WorkState.QUEUED, table.c.run_at <= sa.func.now())
        orphaned = sa.and_(table.c.state == WorkState.RUNNING, table.c.lease_until < sa.func.now())
        candidate = (
            sa.select(table.c.id)
            .where(table.c.kind.in_(kinds), sa.or_(ready, orphaned))
            .order_by(busy, table.c.run_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            sa.update(table)
            .where(table.c.id.in_(candidate))
            .values(
                state=WorkState.RUNNING,
                attempts=table.c.attempts + 1,
                lease_until=_NOW + timedelta(seconds=lease_seconds),
                lease_token=token,
                started_at=sa.func.coalesce(table.c.started_at, _NOW),
            )
            .returning(table)
        )
        row = (await uow.execute(statement)).one_or_none()
        if row is None:
            return None
        item = _item(row)
        await self._observer(uow, item)
        return item

    async def expire_leases(self, uow: UnitOfWork) -> None:
        """Let running items be claimed at once; for a worker that starts and knows that it is the only one.

        A predecessor that is still alive can do no harm: its token no longer fits once an item is claimed again.
        """
        table = uow.table("work_items")
        await uow.execute(sa.update(table).where(table.c.state == WorkState.RUNNING).values(lease_until=_NOW))

    async def heartbeat(self, uow: UnitOfWork, item: WorkItem, *, lease_seconds: float) -> bool | None:
        """Extend the lease. True: go on; False: cancel was asked for; None: the lease is lost, stop without effect."""
        table = uow.table("work_items")
        statement = (
            sa.update(table)
            .where(_held(table, item))
            .values(lease_until=_NOW + timedelta(seconds=lease_seconds))
            .returning(table.c.is_cancel_requested)
        )
        asked = await uow.scalar(statement)
        return None if asked is None else not asked

    async def report(self, uow: UnitOfWork, item: WorkItem, *, progress: float, message: str) -> None:
        """Store progress (0..1) and a message for people, and tell the observer."""
        table = uow.table("work_items")
        values = {"progress": min(max(progress, 0.0), 1.0), "message": message}
        row = (await uow.execute(sa.update(table).where(_held(table, item)).values(values).returning(table))).one_or_none()
        if row is not None:
            await self._observer(uow, _item(row))

    async def finish(self, uow: UnitOfWork, item: WorkItem, *, result: Mapping[str, Any] | None = None) -> bool:
        """Mark done, in the transaction that holds the effect; False when the lease was lost (then roll back)."""
        values = {"state": WorkState.DONE, "progress": 1.0, "result": dict(result or {})}
        return await self._end(uow, item, values)

    async def fail(self, uow: UnitOfWork, item: WorkItem, *, message: str) -> bool:
        """Mark failed for good with a message a person can act on."""
        return await self._end(uow, item, {"state": WorkState.FAILED, "message": message})

    async def cancel(self, uow: UnitOfWork, item: WorkItem) -> bool:
        """Mark a running item cancelled, after its handler has stopped and cleaned up."""
        return await self._end(uow, item, {"state": WorkState.CANCELLED})

    async def retry(self, uow: UnitOfWork, item: WorkItem) -> None:
        """Put an item back after a failure that may pass; waits twice as long after each attempt."""
        table = uow.table("work_items")
        delay = min(_BACKOFF_BASE_SECONDS * 2 ** (item.attempts - 1), _BACKOFF_LIMIT_SECONDS)
        values = {
            "state": WorkState.QUEUED,
            "run_at": _NOW + timedelta(seconds=delay),
            "lease_until": None,
            "lease_token": None,
        }
        row = (await uow.execute(sa.update(table).where(_held(table, item)).values(values).returning(table))).one_or_none()
        if row is not None:
            await self._observer(uow, _item(row))

    async def give_back(self, uow: UnitOfWork, item: WorkItem) -> None:
        """Put back an item whose worker stops in order: it is taken up at once, and the attempt does not count."""
        table = uow.table("work_items")
        values = {
            "state": WorkState.QUEUED,
            "attempts": table.c.attempts - 1,
            "run_at": _NOW,
            "lease_until": None,
            "lease_token": None,
        }
        row = (await uow.execute(sa.update(table).where(_held(table, item)).values(values).returning(table))).one_or_none()
        if row is not None:
            await self._observer(uow, _item(row))
            uow.notify(WORK_CHANNEL)

    async def _end(self, uow: UnitOfWork, item: WorkItem, values: Mapping[str, Any]) -> bool:
        table = uow.table("work_items")
        statement = (
            sa.update(table)
            .where(_held(table, item))
            .values(**values, finished_at=_NOW, lease_until=None, lease_token=None)
            .returning(table)
        )
        row = (await uow.execute(statement)).one_or_none()
        if row is None:
            return False
        await self._observer(uow, _item(row))
        return True


def _held(table: sa.Table, item: WorkItem) -> sa.ColumnElement[bool]:
    # The token fences: a worker that lost its lease can no longer write anything about the item.
    return sa.and_(table.c.id == item.id, table.c.state == WorkState.RUNNING, table.c.lease_token == item.lease_token)


def _item(row: Row) -> WorkItem:
    return WorkItem(
        id=row.id,
        kind=row.kind,
        state=WorkState(row.state),
        payload=row.payload,
        owner=row.owner,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        progress=row.progress,
        message=row.message,
        result=row.result,
        is_cancel_requested=row.is_cancel_requested,
        lease_token=row.lease_token,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
