"""Runs items of a service's queue: claims, heartbeats, retries and reports."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from time import monotonic, perf_counter
from typing import Any

import structlog

from limner_common.db.engine import Database
from limner_common.db.uow import WORK_CHANNEL, UnitOfWork
from limner_common.errors import DomainError, ErrorKind
from limner_common.ids import new_uuid
from limner_common.memory import collect_and_give_back
from limner_common.observe import tracing
from limner_common.observe.context import bound_from
from limner_common.work import metrics
from limner_common.work.queue import WorkItem, WorkQueue

log = structlog.get_logger(__name__)

_PROGRESS_INTERVAL_SECONDS = 0.5
_GENERIC_FAILURE = "An internal error occurred. The administrator finds the details in the log under this request's id."
_FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_DISK_FAILURE = (
    "There is no room for temporary files on the machine that did the work. The administrator makes room there, "
    "or names a larger folder in LIMNER_SCRATCH_FOLDER; then start it again."
)
#: How long a worker whose disk is full takes nothing. Longer than an item waits for its second attempt, so that it is made
#: elsewhere.
_FULL_DISK_REST_SECONDS = 20.0


class WorkCancelled(Exception):
    """Somebody asked to cancel this item: clean up and let it pass."""


class LeaseLost(Exception):
    """Another worker owns the item now: stop without any effect."""


class WorkContext:
    """What a handler knows of its item and may say about it."""

    def __init__(self, database: Database, queue: WorkQueue, item: WorkItem) -> None:
        self.item = item
        self.is_finished = False
        self._database = database
        self._queue = queue
        self._stop_reason: Exception | None = None
        self._last_report = 0.0

    def check(self) -> None:
        """Raise when the item was cancelled or its lease lost; call between steps."""
        if self._stop_reason is not None:
            raise self._stop_reason

    def stop(self, reason: Exception) -> None:
        """Make the next ``check`` raise; called by the heartbeat."""
        self._stop_reason = reason

    async def report(self, progress: float, message: str = "") -> None:
        """Say how far the work is (0..1); cheap to call often, stored at most twice a second."""
        self.check()
        now = asyncio.get_running_loop().time()
        if now - self._last_report < _PROGRESS_INTERVAL_SECONDS:
            return
        self._last_report = now
        async with self._database.begin() as uow:
            await self._queue.report(uow, self.item, progress=progress, message=message)

    @asynccontextmanager
    async def finishing(self, result: Mapping[str, Any] | None = None) -> AsyncIterator[UnitOfWork]:
        """Open the unit of work of the effect; the item is marked done in the same transaction.

        ``result`` may be filled until the block ends. A handler that never enters this block is marked done alone.

        Raises:
            LeaseLost: Another worker has the item; the effect is rolled back.
        """
        self.check()
        async with self._database.begin() as uow:
            yield uow
            if not await self._queue.finish(uow, self.item, result=result):
                raise LeaseLost
        self.is_finished = True


#: Does the work of one kind. A ``DomainError`` is final and its message shown; any other exception is retried.
Handler = Callable[[WorkContext], Awaitable[None]]


class Worker:
    """Claims and runs items of some kinds, a bounded number at a time.

    One that finds its disk full puts the item back and takes none for a while, so that workers with room get them.

    Args:
        database: Where the items are.
        queue: Commands on them, with the service's observer.
        handlers: Handler by kind; only these kinds are claimed.
        concurrency: Items run at the same time by this process.
        lease_seconds: After this long without a heartbeat others may take an item.
    """

    def __init__(
        self,
        database: Database,
        queue: WorkQueue,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 2,
        lease_seconds: float = 30.0,
        poll_seconds: float = 2.0,
    ) -> None:
        self._database = database
        self._queue = queue
        self._handlers = handlers
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self._rests_until = 0.0
        self._busy = metrics.BUSY.labels(database.schema)
        metrics.SLOTS.labels(database.schema).set(concurrency)

    async def run(self) -> None:
        """Work for ever. Cancelling stops claiming and gives running items back at once, without counting a failure."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            for _ in range(self._concurrency):
                group.create_task(self._loop())

    async def run_until_idle(self) -> None:
        """Run items one after the other until none is ready; for tests and one-off commands."""
        while await self.run_one():
            pass

    async def run_one(self) -> bool:
        """Claim and run one item; False when nothing was ready."""
        async with self._database.begin() as uow:
            item = await self._queue.claim(
                uow, kinds=sorted(self._handlers), lease_seconds=self._lease_seconds, token=new_uuid()
            )
        if item is None:
            return False
        try:
            await self._run(item)
        finally:
            await asyncio.to_thread(collect_and_give_back)
        return True

    async def _loop(self) -> None:
        while True:
            try:
                await asyncio.sleep(max(0.0, self._rests_until - monotonic()))
                self._wake.clear()
                if not await self.run_one():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._poll_seconds)
            except Exception as error:  # one item's trouble, or the database's, must not end the worker
                log.warning("worker_interrupted", service=self._database.schema, error=repr(error))
                await asyncio.sleep(self._poll_seconds)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._database.signals.listen(WORK_CHANNEL, self._heard) as lost:
                    await lost.wait()
            except Exception as error:  # without it items are found all the same, only later
                log.warning("worker_listen_lost", service=self._database.schema, error=repr(error))
                await asyncio.sleep(self._poll_seconds)

    def _heard(self, schema: str) -> None:
        if schema == self._database.schema:
            self._wake.set()

    async def _run(self, item: WorkItem) -> None:
        context = WorkContext(self._database, self._queue, item)
        if item.is_cancel_requested:
            await self._settle(item, cancelled=True)
            return
        if item.attempts > item.max_attempts:
            await self._settle(item, failure="The work was interrupted too often and has been given up.")
            return
        task = asyncio.create_task(self._handle(context))
        beat = asyncio.create_task(self._beat(context, task))
        try:
            await task
        except asyncio.CancelledError:
            task.cancel()
            with suppress(BaseException):
                await task
            await asyncio.shield(self._give_back(item))
            raise
        finally:
            beat.cancel()

    async def _handle(self, context: WorkContext) -> None:
        item, service = context.item, self._database.schema
        structlog.contextvars.bind_contextvars(work_id=item.id, kind=item.kind, **bound_from(item.carried))
        if item.attempts == 1 and item.started_at is not None:
            waited = (item.started_at - item.created_at).total_seconds()
            metrics.WAIT_SECONDS.labels(service, item.kind).observe(max(0.0, waited))
        started, outcome = perf_counter(), "interrupted"
        with (
            self._busy.track_inprogress(),
            tracing.entry(service, f"work {item.kind}", "consumer", item.carried) as span,
        ):
            try:
                outcome = await self._attempt(context)
                if outcome in ("failed", "retried"):
                    tracing.fail(span, outcome)
            except asyncio.CancelledError:
                outcome = "given_back"
                raise
            finally:
                took = perf_counter() - started
                metrics.ITEM_SECONDS.labels(service, item.kind, outcome).observe(took)
                log.info("work_ended", outcome=outcome, seconds=round(took, 3))

    async def _attempt(self, context: WorkContext) -> str:
        """Run the handler and store how it ended; returns which of the outcomes that metrics know it was."""
        item = context.item
        try:
            await self._handlers[item.kind](context)
            if not context.is_finished:
                await self._settle(item, done=True)
        except LeaseLost:
            return "lease_lost"
        except WorkCancelled:
            await self._settle(item, cancelled=True)
            return "cancelled"
        except DomainError as error:
            if error.kind is ErrorKind.UNAVAILABLE and item.attempts < item.max_attempts:
                return await self._retry(item, error)
            log.info("work_failed", reason=error.message)
            await self._settle(item, failure=error.message)
            return "failed"
        except Exception as error:  # a bug or a fault below us: tried again, then reported in general words
            is_disk_full = isinstance(error, OSError) and error.errno in _FULL_DISK
            if is_disk_full:
                log.error("worker_disk_full", rests_seconds=_FULL_DISK_REST_SECONDS, error=repr(error))
                self._rests_until = monotonic() + _FULL_DISK_REST_SECONDS
            if item.attempts < item.max_attempts:
                return await self._retry(item, error)
            log.exception("work_failed")
            await self._settle(item, failure=_FULL_DISK_FAILURE if is_disk_full else _GENERIC_FAILURE)
            return "failed"
        return "done"

    async def _beat(self, context: WorkContext, task: "asyncio.Task[None]") -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                async with self._database.begin() as uow:
                    verdict = await self._queue.heartbeat(uow, context.item, lease_seconds=self._lease_seconds)
            except Exception as error:  # the database is away; the lease may survive, the fence decides in the end
                log.warning("work_heartbeat_failed", work_id=context.item.id, error=repr(error))
                continue
            if verdict is None:
                context.stop(LeaseLost())
            elif verdict is False:
                context.stop(WorkCancelled())

    async def _settle(
        self, item: WorkItem, *, done: bool = False, cancelled: bool = False, failure: str | None = None
    ) -> None:
        async with self._database.begin() as uow:
            if done:
                await self._queue.finish(uow, item)
            elif cancelled:
                await self._queue.cancel(uow, item)
            else:
                await self._queue.fail(uow, item, message=failure or _GENERIC_FAILURE)

    async def _retry(self, item: WorkItem, error: Exception) -> str:
        log.warning("work_retried", attempt=item.attempts, error=repr(error))
        async with self._database.begin() as uow:
            await self._queue.retry(uow, item)
        return "retried"

    async def _give_back(self, item: WorkItem) -> None:
        with suppress(Exception):  # if even this fails, the lease runs out
            async with self._database.begin() as uow:
                await self._queue.give_back(uow, item)
